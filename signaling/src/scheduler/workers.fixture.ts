import { Relay } from '../relay/relay.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { WorkerObserver } from '../sessions/sessions.ts';
import type { Offence, Worker, WorkerIdentity, WorkMessage } from '../sessions/worker.ts';
import type { JobOrder } from './job-order.ts';
import type { Models, ServedModel } from './models-port.ts';
import type { PlacementStandings } from './standings-port.ts';
import type { Workers } from './workers-port.ts';

export const nodeId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;
export const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
export const MODEL_ID = 'ab'.repeat(32) as HexHash;
export const OTHER_MODEL_ID = 'cd'.repeat(32) as HexHash;

/** Six layers of 4,000 bytes each, an embedding of 100 and a head of 8,000; a position of KV cache takes 32 bytes a layer. */
export const MANIFEST: ModelManifest = {
  format: 1,
  name: 'six-layers',
  licence: 'MIT',
  file: { name: 'none.gguf', sha256: '00'.repeat(32), bytes: 0 },
  architecture: { family: 'llama', layers: 6, hidden: 10, heads: 2, kvHeads: 1, headDim: 4, feedForward: 16, vocabulary: 200, context: 4096, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true },
  shards: [
    { name: 'embedding', sha256: '01'.repeat(32), bytes: 100, ranges: [], tensors: [] },
    ...Array.from({ length: 6 }, (_, layer) => ({ name: `layer-${layer}`, sha256: '02'.repeat(32), bytes: 500, ranges: [], tensors: [{ name: 'w', type: 'Q4_1' as const, dims: [10, 100], offset: 0, bytes: 500 }] })),
    { name: 'head', sha256: '03'.repeat(32), bytes: 40, ranges: [], tensors: [] },
  ],
  stopIds: [],
  calibration: { sha256: '00'.repeat(32), base64: '' },
};

const served: ServedModel[] = [MODEL_ID, OTHER_MODEL_ID].map((id) => ({ id, manifest: MANIFEST }));
export const models: Models = { default: () => served[0] as ServedModel, get: (id) => served.find((model) => model.id === id) };

/** Workers that a test moves by hand; what they are sent is kept. */
export class FakeWorkers implements Workers {
  readonly sent: { readonly to: NodeId; readonly message: CoordinatorMessage }[] = [];
  readonly offences: { readonly nodeId: NodeId; readonly offence: Offence; readonly code: string }[] = [];
  readonly contributions = new Map<NodeId, number>();
  readonly failedJobs: NodeId[] = [];
  /** Commitments that `takeNonce` gives out. */
  readonly nonces = new Map<NodeId, HexHash[]>();
  /** Those that are frozen: the others answer probes. */
  readonly frozen = new Set<NodeId>();
  readonly #workers = new Map<NodeId, Worker>();
  readonly #observers: WorkerObserver[] = [];

  workers(): Worker[] {
    return [...this.#workers.values()].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  }

  nodes(): NodeId[] {
    return this.workers().map((worker) => worker.nodeId);
  }

  worker(id: NodeId): Worker | undefined {
    return this.#workers.get(id);
  }

  observe(observer: WorkerObserver): void {
    this.#observers.push(observer);
  }

  send(to: NodeId, message: CoordinatorMessage): void {
    if (!this.#workers.has(to)) return;
    this.sent.push({ to, message });
    if (message.type === 'probe' && !this.frozen.has(to)) this.say(to, { ...message, type: 'alive' });
  }

  offend(id: NodeId, offence: Offence, code: string): void {
    this.offences.push({ nodeId: id, offence, code });
  }

  end(id: NodeId, reason: string): void {
    this.leave(id, reason);
  }

  takeNonce(id: NodeId): HexHash | null {
    return this.nonces.get(id)?.shift() ?? null;
  }

  failedJob(identity: WorkerIdentity): void {
    this.failedJobs.push(identity.nodeId);
  }

  contributed(identity: WorkerIdentity, amount: number): void {
    this.contributions.set(identity.nodeId, (this.contributions.get(identity.nodeId) ?? 0) + amount);
  }

  join(n: number, profile: Partial<Worker['profile']> = {}, identity: Partial<WorkerIdentity> = {}): NodeId {
    const worker: Worker = {
      nodeId: nodeId(n),
      identityPublicKey: `0x${n + 1}`,
      devicePublicKey: `04${n.toString(16).padStart(128, '0')}`,
      agent: 'fake',
      ...identity,
      profile: { engine: 'wasm', layerMs: 1, layerMs16: 4, headMs: 1, memoryBudgetBytes: 10e6, ...profile },
      rttMs: 10,
      since: 0,
    };
    this.#workers.set(worker.nodeId, worker);
    for (const observer of this.#observers) observer.joined?.(worker);
    return worker.nodeId;
  }

  leave(id: NodeId, reason = 'closed', returns = false): void {
    this.#workers.delete(id);
    for (const observer of this.#observers) observer.left?.(id, reason, returns);
  }

  say(from: NodeId, message: WorkMessage): void {
    for (const observer of this.#observers) observer.message?.(from, message);
  }

  /** Messages of one type that were sent, to one node or to all. */
  sentOf<T extends CoordinatorMessage['type']>(type: T, to?: NodeId): Extract<CoordinatorMessage, { type: T }>[] {
    return this.sent.flatMap((each) => (each.message.type === type && (to === undefined || each.to === to) ? [each.message as Extract<CoordinatorMessage, { type: T }>] : []));
  }

  /** The layers each node was told last. */
  get layers(): Record<string, readonly number[] | null> {
    const told: Record<string, readonly number[] | null> = {};
    for (const { to, message } of this.sent) if (message.type === 'assign' && this.#workers.has(to)) told[to] = message.layers;
    return told;
  }

  /** Every assigned worker says that its shards are ready, every introduced pair that its link is open. */
  settle(): void {
    for (const { to, message } of [...this.sent]) {
      if (message.type === 'assign' && message.layers !== null) this.say(to, { type: 'shards', assignment: message.assignment, state: 'ready', loadedBytes: 9, totalBytes: 9, fetchedBytes: 9 });
    }
    this.link();
  }

  /** Every introduced pair says that its link is open. */
  link(): void {
    for (const { to, message } of [...this.sent]) {
      if (message.type === 'connect') this.say(to, { type: 'link', link: message.link, peer: message.peer, state: 'open', route: 'direct', rttMs: 2 });
    }
  }
}

/** Introductions over these workers: no STUN, no TURN, nobody hides, and every link may be relayed. */
export const relayOf = (workers: FakeWorkers): Relay => new Relay({ send: (to, message) => workers.send(to, message), hidesAddress: () => false, iceServers: { hasTurn: false, for: () => [], stunOnly: () => [] }, frames: { open: () => true, close: () => undefined } });

/** Standings that a test sets by hand: everybody is equal until then. */
export class FakeStandings implements PlacementStandings {
  readonly reputation = new Map<NodeId, number>();
  readonly #demoted = new Set<NodeId>();
  readonly #listeners: ((node: NodeId) => void)[] = [];

  isDemoted(node: NodeId): boolean {
    return this.#demoted.has(node);
  }

  reputations(workers: readonly Worker[]): ReadonlyMap<NodeId, number> {
    return new Map(workers.map((worker) => [worker.nodeId, this.reputation.get(worker.nodeId) ?? 1]));
  }

  onDemoted(listener: (node: NodeId) => void): void {
    this.#listeners.push(listener);
  }

  demote(node: NodeId): void {
    this.#demoted.add(node);
    for (const listener of this.#listeners) listener(node);
  }
}

export const orderOf = (n: number, change: Partial<JobOrder> = {}): JobOrder => ({
  job: jobId(n),
  account: 'one account',
  modelId: MODEL_ID,
  promptIds: Uint32Array.of(5, 6, 7),
  sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
  maxTokens: 4,
  stopIds: [2],
  quote: { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '19' },
  requesterNonce: null,
  exclude: [],
  goesOn: true,
  continues: null,
  ...change,
});
