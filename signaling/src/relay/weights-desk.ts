import { toHex } from '@ciro/core/bytes.ts';
import { MAX_WEIGHTS_GIVERS } from '@ciro/core/protocol/limits.ts';
import { chunkClaimBytes } from '@ciro/core/protocol/weights.ts';
import { TokenBucket } from '../sessions/token-bucket.ts';
import { chooseGivers } from './choose-givers.ts';
import { COMPLAINTS_BELIEVED, MAX_GIVES, MAX_REMEMBERED, MAX_WEIGHTS_LINKS, UNREACHABLE_MS, WANTED_BURST, WANTED_PER_SECOND, WEIGHTS_LINK_MS, WEIGHTS_OPEN_MS } from './weights-limits.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkerObserver } from '../sessions/sessions.ts';
import type { Offence, WeightsMessage, Worker, WorkMessage } from '../sessions/worker.ts';

/** A worker with layers of a model in its cache; `computes`: a job runs over it now. */
export interface Holder {
  readonly worker: NodeId;
  readonly layers: ReadonlySet<number>;
  readonly computes: boolean;
}

/** What the desk needs of the coordinator. */
export interface WeightsDeskDeps {
  readonly clock: Clock;
  readonly network: string;
  readonly workers: {
    worker(nodeId: NodeId): Worker | undefined;
    observe(observer: WorkerObserver): void;
    send(nodeId: NodeId, message: CoordinatorMessage): void;
    offend(nodeId: NodeId, offence: Offence, code: string, message: string): void;
  };
  readonly relay: { mayShare(a: NodeId, b: NodeId): boolean; openForWeights(link: string, a: NodeId, b: NodeId): boolean; close(link: string): void };
  readonly models: {
    manifest(modelId: HexHash): ModelManifest | undefined;
    /** SHA-256 of each chunk of a shard, one after the other. */
    chunkHashes(modelId: HexHash, shard: HexHash): Promise<Uint8Array>;
    /** Where the public file is, if the operator named a place. */
    publicUrl(modelId: HexHash): string | undefined;
  };
  holders(modelId: HexHash): readonly Holder[];
  /** One end of an open link told its round trip, in milliseconds. */
  linkMeasured?(from: NodeId, peer: NodeId, rttMs: number): void;
  verify(publicKey: string, bytes: Uint8Array, signature: string): Promise<boolean>;
  readonly onError: (error: unknown) => void;
}

interface WeightsLink {
  readonly taker: NodeId;
  readonly giver: NodeId;
  readonly openAt: Set<NodeId>;
  cancelTimer: () => void;
}

/**
 * Brings tabs that load layers together with tabs that hold them (SPEC D5), and keeps apart who gave what is not the model's (SPEC D8).
 * It never sees a byte of theirs: the links are direct, or there are none.
 */
export class WeightsDesk {
  readonly #deps: WeightsDeskDeps;
  readonly #links = new Map<string, WeightsLink>();
  readonly #asked = new Map<NodeId, TokenBucket>();
  /** Pairs that could not reach each other, with the time until they are not brought together. */
  readonly #unreachable = new Map<string, number>();
  /** Givers of wrong bytes; takers that say so of a giver. */
  readonly #barred = new Set<NodeId>();
  readonly #complaints = new Map<NodeId, Set<NodeId>>();
  /** Pairs that had a link: only they can complain. */
  readonly #met = new Map<string, true>();
  #count = 0;

  constructor(deps: WeightsDeskDeps) {
    this.#deps = deps;
    deps.workers.observe({
      left: (node) => this.#left(node),
      message: (node, message) => this.#message(node, message),
    });
  }

  /** Links now, for operators and tests. */
  get size(): number {
    return this.#links.size;
  }

  /** Ends every link and timer. */
  close(): void {
    for (const link of [...this.#links.keys()]) this.#close(link);
  }

  #message(from: NodeId, message: WorkMessage): void {
    switch (message.type) {
      case 'weights-wanted':
        return this.#wanted(from, message);
      case 'weights-bad':
        this.#bad(from, message).catch(this.#deps.onError);
        return;
      case 'link':
        return this.#said(from, message);
    }
  }

  #left(node: NodeId): void {
    for (const [name, link] of [...this.#links]) if (link.taker === node || link.giver === node) this.#close(name);
    this.#asked.delete(node);
  }

  #wanted(from: NodeId, { modelId, shards }: Extract<WeightsMessage, { type: 'weights-wanted' }>): void {
    const { clock, workers, models } = this.#deps;
    const bucket = this.#asked.get(from) ?? new TokenBucket(WANTED_BURST, WANTED_PER_SECOND, clock.now());
    this.#asked.set(from, bucket);
    if (!bucket.take(clock.now())) return workers.offend(from, 'oversized', 'weights-too-often', `more than ${WANTED_BURST} requests for weights at once or ${WANTED_PER_SECOND * 60} a minute; ask again later`);
    const manifest = models.manifest(modelId);
    if (manifest === undefined) return workers.offend(from, 'not-yours', 'unknown-model', `model ${modelId} is not served here`);
    const known = new Set(manifest.shards.map(({ sha256 }) => sha256));
    const unknown = shards.find((shard) => !known.has(shard));
    if (unknown !== undefined) return workers.offend(from, 'not-yours', 'unknown-shard', `model ${modelId} has no shard ${unknown}`);

    const taken = [...this.#links].filter(([, { taker }]) => taker === from);
    if (shards.length === 0) return taken.forEach(([link]) => this.#close(link));
    const holders = this.#deps.holders(modelId).filter(({ worker }) => this.#mayGive(worker, from));
    const chosen = chooseGivers(manifest, shards, holders, { gives: (worker) => this.#gives(worker), most: MAX_WEIGHTS_GIVERS });
    const met = new Set(taken.map(([, { giver }]) => giver));
    const givers = chosen.flatMap((each) => {
      const devicePublicKey = workers.worker(each.peer)?.devicePublicKey;
      return devicePublicKey === undefined ? [] : [{ peer: each.peer, devicePublicKey, shards: each.shards as HexHash[] }];
    });
    for (const [link, { giver }] of taken) if (!givers.some(({ peer }) => peer === giver)) this.#close(link);
    // Before the links: who is connected to a neighbour knows already what it gives.
    workers.send(from, { type: 'weights-givers', modelId, publicUrl: models.publicUrl(modelId) ?? null, givers });
    for (const { peer } of givers) if (!met.has(peer)) this.#open(from, peer);
  }

  #mayGive(giver: NodeId, taker: NodeId): boolean {
    const { workers, relay, clock } = this.#deps;
    if (giver === taker || this.#barred.has(giver) || !relay.mayShare(taker, giver)) return false;
    // A hidden page of a phone is stopped when its browser likes, in the middle of a chunk.
    const worker = workers.worker(giver);
    if (worker === undefined || worker.mayFreeze === true) return false;
    const linked = [...this.#links.values()].some((link) => link.taker === taker && link.giver === giver);
    return linked || (this.#gives(giver) < MAX_GIVES && (this.#unreachable.get(pairOf(taker, giver)) ?? 0) <= clock.now());
  }

  #gives(giver: NodeId): number {
    return [...this.#links.values()].filter((link) => link.giver === giver).length;
  }

  #open(taker: NodeId, giver: NodeId): void {
    if (this.#links.size >= MAX_WEIGHTS_LINKS) return;
    const name = `weights-${++this.#count}`;
    if (!this.#deps.relay.openForWeights(name, taker, giver)) return;
    const cancelTimer = this.#deps.clock.after(WEIGHTS_OPEN_MS, () => this.#failed(name));
    this.#links.set(name, { taker, giver, openAt: new Set(), cancelTimer });
  }

  /** An end's word on one of these links; links of rings are not known here. */
  #said(from: NodeId, { link: name, state, rttMs }: Extract<WorkMessage, { type: 'link' }>): void {
    const link = this.#links.get(name);
    if (link === undefined) return;
    if (from !== link.taker && from !== link.giver) return this.#deps.workers.offend(from, 'not-yours', 'foreign-link', `link ${name} is between others`);
    if (state !== 'open') return link.openAt.size === 2 ? this.#close(name) : this.#failed(name);
    this.#deps.linkMeasured?.(from, from === link.taker ? link.giver : link.taker, rttMs);
    // Each end says it again now and then.
    const wasOpen = link.openAt.size === 2;
    if (wasOpen || link.openAt.add(from).size < 2) return;
    remember(this.#met, pairOf(link.taker, link.giver), true);
    link.cancelTimer();
    link.cancelTimer = this.#deps.clock.after(WEIGHTS_LINK_MS, () => this.#close(name));
  }

  #failed(name: string): void {
    const link = this.#links.get(name);
    if (link !== undefined) remember(this.#unreachable, pairOf(link.taker, link.giver), this.#deps.clock.now() + UNREACHABLE_MS);
    this.#close(name);
  }

  #close(name: string): void {
    this.#links.get(name)?.cancelTimer();
    if (this.#links.delete(name)) this.#deps.relay.close(name);
  }

  /** What the giver signed is compared with the file itself. Without such a proof a complaint is counted, and has no other consequence than that (SPEC D8). */
  async #bad(from: NodeId, { giver, modelId, shard, chunk, sha256, signature }: Extract<WeightsMessage, { type: 'weights-bad' }>): Promise<void> {
    const { workers, models, network, verify } = this.#deps;
    if (!this.#met.has(pairOf(from, giver))) return workers.offend(from, 'not-yours', 'never-met', `worker ${giver} was never linked to this one for weights`);
    for (const [name, link] of [...this.#links]) if (link.taker === from && link.giver === giver) this.#close(name);
    const complainers = this.#complaints.get(giver) ?? new Set();
    remember(this.#complaints, giver, complainers.add(from));
    if (complainers.size >= COMPLAINTS_BELIEVED) this.#bar(giver);

    const publicKey = workers.worker(giver)?.devicePublicKey;
    const inModel = models.manifest(modelId)?.shards.some((each) => each.sha256 === shard) === true;
    if (signature === null || publicKey === undefined || !inModel) return;
    if (!(await verify(publicKey, chunkClaimBytes({ network, giver, shard, chunk, sha256 }), signature))) return;
    const hashes = await models.chunkHashes(modelId, shard);
    const right = toHex(hashes.subarray(32 * chunk, 32 * (chunk + 1)));
    if (right === sha256) return workers.offend(from, 'not-yours', 'chunk-is-right', `chunk ${chunk} of shard ${shard} has just this hash`);
    this.#bar(giver);
    workers.offend(giver, 'forged', 'weights-forged', `this worker signed that chunk ${chunk} of shard ${shard} has hash ${sha256}; it has ${right === '' ? 'no such chunk' : right}`);
  }

  #bar(giver: NodeId): void {
    this.#barred.add(giver);
    for (const oldest of this.#barred) if (this.#barred.size > MAX_REMEMBERED) this.#barred.delete(oldest);
    for (const [name, link] of [...this.#links]) if (link.giver === giver) this.#close(name);
  }
}

const pairOf = (taker: NodeId, giver: NodeId): string => `${taker} ${giver}`;

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= MAX_REMEMBERED) break;
    map.delete(oldest);
  }
}
