import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '@ciro/core/bytes.ts';
import { planBytes } from '@ciro/core/job/plan.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { signWithDeviceKey, SignatureVerifier } from '@ciro/web/pipeline/device-signature.ts';
import { sha256Digest } from '@ciro/web/pipeline/sha256-digest.ts';
import { StagePipeline } from '@ciro/web/pipeline/stage-pipeline.ts';
import { holdToy, TOY, TOY_MODEL_ID } from './toy-model.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan, SignedPlan } from '@ciro/core/job/plan.ts';
import type { Receipt } from '@ciro/core/receipt/receipt.ts';
import type { PieceMessage } from '@ciro/web/pipeline/piece-sender.ts';
import type { StageError } from '@ciro/web/pipeline/stage-error.ts';
import type { HeldStage, StageIdentity, StageMessage, StagePorts } from '@ciro/web/pipeline/stage-ports.ts';
import type { ToyEngine } from './toy-model.ts';

export const RING_NETWORK = 'ciro-test';

type Sent<Type extends StageMessage['type']> = Extract<StageMessage, { type: Type }>;

/** One worker of the ring. */
export interface RingWorker {
  readonly node: NodeId;
  readonly devicePublicKey: string;
  readonly identity: StageIdentity;
  /** The toy's, in a ring of toys. */
  readonly engine: ToyEngine;
  readonly pipeline: StagePipeline;
  readonly ports: StagePorts;
  /** Nonce commitments that the coordinator has of it, in order. */
  readonly commitments: HexHash[];
  /** What its neighbour acknowledged, by the bodies of its receipts. */
  readonly acknowledged: Receipt[];
  /** What it uploaded for audits. */
  readonly pieces: PieceMessage[];
  /** Ledger heads that came in frames, as they came. */
  readonly heads: Uint8Array[];
  /** Its clock, in milliseconds; a test may set it forward. */
  aheadMs: number;
  /** What it told the coordinator, and what it refused, in order. */
  readonly sent: StageMessage[];
  readonly refused: { readonly peer: NodeId; readonly code: StageError['code'] }[];
}

export interface RingJob {
  readonly signed: SignedPlan;
  readonly promptIds: Uint8Array;
  /** Ids that the coordinator saw, in order. */
  readonly ids: number[];
  /** Ids that were drawn after the coordinator had ended the job. */
  readonly surplus: number[];
  /** Set when the coordinator ended the job. */
  acceptedTo?: number;
  readonly over: Promise<void>;
}

export interface RingOptions {
  readonly stages: number;
  /** Uneven delays between the event loop's turns come from it. */
  readonly seed: number;
  readonly memoryBudgetBytes?: number;
  readonly maxBatchJobs?: number;
  /** Ids drafted for one lap; none when absent, because how many pay hangs on the machine's clock. */
  readonly maxDrafts?: number;
  /** What the workers hold, in order; stages of the toy model when absent. */
  readonly held?: readonly HeldStage[];
}

const nodeOf = (index: number): NodeId => (index + 1).toString(16).padStart(2, '0').repeat(20) as NodeId;
const newKey = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const rawKey = async (pair: CryptoKeyPair): Promise<string> => toHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Stages of the toy model wired in one process: real pipelines, keys and frames; links and coordinator are a few lines. */
export class StageRing {
  readonly workers: RingWorker[] = [];
  /** A test may look at, change or drop (undefined) every frame on its way. */
  onFrame: (from: number, to: number, frame: Uint8Array<ArrayBuffer>) => Uint8Array | undefined = (_from, _to, frame) => frame;
  /** Workers whose links are gone. */
  readonly unlinked = new Set<NodeId>();
  /** Called for each token of a job, before the coordinator acts on it. */
  onToken: (job: RingJob, token: Sent<'token'>) => void = () => undefined;
  readonly #random: (below: number) => number;
  readonly #coordinator: CryptoKeyPair;
  readonly #options: RingOptions;
  readonly #held: readonly HeldStage[];
  readonly #jobs = new Map<string, { job: RingJob; end: () => void }>();
  #underWay = 0;
  #jobCount = 0;
  #replaced = 0;

  private constructor(coordinator: CryptoKeyPair, options: RingOptions, held: readonly HeldStage[], random: (below: number) => number) {
    this.#coordinator = coordinator;
    this.#options = options;
    this.#held = held;
    this.#random = random;
  }

  static async make(options: RingOptions): Promise<StageRing> {
    const coordinator = await newKey();
    const { stages, held = Array.from({ length: stages }, (_, index) => toyStage(index, stages)) } = options;
    const ring = new StageRing(coordinator, options, held, randomSource(options.seed));
    for (let index = 0; index < options.stages; index++) ring.workers.push(await ring.#worker(index, nodeOf(index), ring.#held[index] ?? toyStage(index, stages)));
    return ring;
  }

  /** A worker is gone, with all that it kept, and another one has its stage: of the toy's, unless `held` is given. */
  async replace(index: number, held: HeldStage = toyStage(index, this.#options.stages)): Promise<void> {
    this.workers[index] = await this.#worker(index, nodeOf(this.#options.stages + ++this.#replaced), held);
  }

  /** A plan over all workers for this prompt; `change` alters it before it is signed. */
  async plan(prompt: readonly number[], maxTokens: number, change: (plan: JobPlan) => JobPlan = (plan) => plan): Promise<{ signed: SignedPlan; promptIds: Uint8Array }> {
    const promptIds = new Uint8Array(Uint32Array.from(prompt).buffer);
    const job = (++this.#jobCount).toString(16).padStart(32, '0') as JobId;
    const plan = change({
      format: 2,
      network: RING_NETWORK,
      job,
      version: 1,
      modelId: this.#held[0]?.modelId ?? TOY_MODEL_ID,
      precision: 'f32',
      stages: this.workers.map((worker, index) => ({ worker: worker.node, devicePublicKey: worker.devicePublicKey, layers: [this.#held[index]?.shape.from ?? 0, this.#held[index]?.shape.to ?? 0], nonce: worker.commitments.shift() ?? null })),
      sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
      promptHash: toHex(sha256(promptIds)) as HexHash,
      promptTokens: prompt.length,
      maxTokens,
      stopIds: [],
      quote: { promptToken: '1', generatedToken: '1', feeBasisPoints: '0', hold: '1' },
      nonces: { coordinator: 'ee'.repeat(32) as HexHash, requester: null },
    });
    return { signed: { plan, signature: await this.sign(planBytes(plan)) }, promptIds };
  }

  sign(bytes: Uint8Array): Promise<string> {
    return signWithDeviceKey(this.#coordinator.privateKey, bytes);
  }

  /** Prepares the plan on every worker; throws if one refuses. */
  async prepare(offer: { signed: SignedPlan; promptIds: Uint8Array }): Promise<RingJob> {
    const { job } = offer.signed.plan;
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    const running: RingJob = { ...offer, ids: [], surplus: [], over };
    this.#jobs.set(job, { job: running, end });
    await Promise.all(this.workers.map(({ pipeline }, stage) => pipeline.handlePlan(offer.signed, stage, stage === 0 ? offer.promptIds : null)));
    for (const worker of this.workers) {
      const refusal = worker.sent.find((message) => message.type === 'stage-refused' && message.job === job);
      if (refusal !== undefined) throw new Error(`refused: ${JSON.stringify(refusal)}`);
    }
    return running;
  }

  begin(job: RingJob): void {
    const { job: id, version } = job.signed.plan;
    this.workers[0]?.pipeline.handleStart(id, version);
  }

  async start(offer: { signed: SignedPlan; promptIds: Uint8Array }): Promise<RingJob> {
    const job = await this.prepare(offer);
    this.begin(job);
    return job;
  }

  /** Runs a job to its end and waits for the last acknowledgement. */
  async run(prompt: readonly number[], maxTokens: number, change?: (plan: JobPlan) => JobPlan): Promise<RingJob> {
    const job = await this.start(await this.plan(prompt, maxTokens, change));
    await job.over;
    await this.settled();
    return job;
  }

  /** The coordinator ends a job at the tokens it has seen. Workers hear of it at different times. */
  async finish(job: RingJob, acceptedTo = job.signed.plan.promptTokens + job.ids.length - 1): Promise<void> {
    if (job.acceptedTo !== undefined) return;
    job.acceptedTo = acceptedTo;
    const { job: id, version } = job.signed.plan;
    await Promise.all(
      this.workers.map(async ({ pipeline }) => {
        await this.#delay();
        await pipeline.handleFinish(id, version, acceptedTo);
      }),
    );
    this.#jobs.get(id)?.end();
  }

  /** Messages of one type that a worker sent about a job. */
  sent<Type extends 'token' | 'unit' | 'acknowledge' | 'disagree' | 'root' | 'fault' | 'nonce'>(worker: number, type: Type, job: RingJob): Sent<Type>[] {
    const id = job.signed.plan.job;
    return (this.workers[worker]?.sent ?? []).filter((message): message is Sent<Type> => message.type === type && (message.type === 'unit' ? message.receipt.body.job : message.job) === id);
  }

  /** Waits until no frame and no signature is under way and what follows from the last one had its turn. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < 30; quiet = this.#underWay === 0 ? quiet + 1 : 0) await turn();
  }

  async #worker(index: number, node: NodeId, held: HeldStage): Promise<RingWorker> {
    const options = this.#options;
    const coordinatorPublicKey = await rawKey(this.#coordinator);
    const keys = await newKey();
    const devicePublicKey = await rawKey(keys);
    const identity: StageIdentity = { network: RING_NETWORK, nodeId: node, devicePublicKey, coordinatorPublicKey, memoryBudgetBytes: options.memoryBudgetBytes ?? 1e9, ...(options.maxBatchJobs !== undefined && { maxBatchJobs: options.maxBatchJobs }), maxDrafts: options.maxDrafts ?? 0 };
    const sent: StageMessage[] = [];
    const worker: Pick<RingWorker, 'commitments' | 'acknowledged' | 'pieces' | 'heads' | 'aheadMs'> = { commitments: [], acknowledged: [], pieces: [], heads: [], aheadMs: 0 };
    const refused: RingWorker['refused'] = [];
    const verifier = new SignatureVerifier();
    let salts = 0;
    const ports: StagePorts = {
      send: (message) => {
        sent.push(message);
        if (message.type === 'token') this.#token(message);
        if (message.type === 'nonces') worker.commitments.push(...message.commitments);
      },
      sendPiece: async (message) => worker.pieces.push(message) > 0,
      sendFrame: (peer, frame) => this.#carry(index, peer, frame),
      hasLink: (peer) => this.workers.some((worker) => worker.node === peer),
      digest: (bytes) => this.#watched(sha256Digest(bytes)),
      sign: (bytes) => this.#watched(signWithDeviceKey(keys.privateKey, bytes)),
      verify: (publicKey, bytes, signature) => this.#watched(verifier.verify(publicKey, bytes, signature)),
      signRoot: (root) => Promise.resolve(`${root.root.slice(2).padStart(64, '0')}${'0'.repeat(64)}`),
      randomHex: (bytes) => (++salts).toString(16).padStart(2 * bytes, '0'),
      now: () => performance.now() + worker.aheadMs,
      turn,
      wait: (milliseconds) => sleep(milliseconds),
      credit: { planned: () => undefined, committed: () => undefined, finished: () => undefined, acknowledged: (receipt) => void worker.acknowledged.push(receipt) },
      head: async (_peer, payload) => void worker.heads.push(payload),
      auditBytes: () => 0,
      refused: (peer, error) => refused.push({ peer, code: error.code }),
    };
    const pipeline = new StagePipeline(identity, ports);
    await pipeline.hold(held);
    worker.commitments.push(...pipeline.nonces.renew());
    return Object.assign(worker, { node, devicePublicKey, identity, engine: held.engine as ToyEngine, pipeline, ports, sent, refused });
  }

  #token(token: Sent<'token'>): void {
    const entry = this.#jobs.get(token.job);
    if (entry === undefined) return;
    const { job } = entry;
    if (job.acceptedTo !== undefined) return void job.surplus.push(token.id);
    const { promptTokens, maxTokens, stopIds } = job.signed.plan;
    if (token.position !== promptTokens - 1 + job.ids.length) throw new Error(`token at position ${token.position}, ${job.ids.length} seen`);
    job.ids.push(token.id);
    this.onToken(job, token);
    if (stopIds.includes(token.id) || job.ids.length === maxTokens) void this.finish(job);
  }

  async #watched<Result>(task: Promise<Result>): Promise<Result> {
    this.#underWay++;
    try {
      return await task;
    } finally {
      this.#underWay--;
    }
  }

  #carry(from: number, peer: NodeId, frame: Uint8Array<ArrayBuffer>): boolean {
    const to = this.workers.findIndex((worker) => worker.node === peer);
    if (to < 0 || this.unlinked.has(peer)) return false;
    const changed = this.onFrame(from, to, frame);
    if (changed === undefined) return true;
    this.#underWay++;
    const line = `${from}>${to}`;
    const after = (this.#lines.get(line) ?? Promise.resolve()).then(() => this.#delay());
    this.#lines.set(line, after.then(() => this.#deliver(from, to, changed)));
    return true;
  }

  readonly #lines = new Map<string, Promise<void>>();

  #deliver(from: number, to: number, frame: Uint8Array): void {
    this.#underWay--;
    const peer = this.workers[from]?.node;
    if (peer !== undefined) this.workers[to]?.pipeline.handleFrame(peer, frame);
  }

  async #delay(): Promise<void> {
    for (let turns = this.#random(4); turns > 0; turns--) await turn();
  }
}

function toyStage(index: number, stages: number): HeldStage {
  const [from, to] = layersOf(index, stages);
  return holdToy(stageShape({ from, to }, TOY.layers));
}

/** Layers of stage `index` when the toy model is cut into `stages` parts as even as can be. */
export const layersOf = (index: number, stages: number): [number, number] => [Math.floor((index * TOY.layers) / stages), Math.floor(((index + 1) * TOY.layers) / stages)];

/** mulberry32: small, seedable, good enough for delays and prompts. */
export function randomSource(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
