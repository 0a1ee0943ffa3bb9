import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import { SHARDS_STALLED_MS } from './scheduler-limits.ts';
import type { Clock } from '../sessions/clock.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import type { LayerRange, SlotHolder } from './slot.ts';
import type { Workers } from './workers-port.ts';

export type ShardsMessage = Extract<WorkMessage, { type: 'shards' }>;

/** What the owner hears of workers that load. */
export interface AssignmentsOwner {
  /** A worker has loaded what it was told to hold. */
  loaded(worker: NodeId): void;
  /** It could not, or got no further for too long. */
  failed(worker: NodeId, reason: string): void;
  /** It fetched so many bytes in so many milliseconds. */
  fetched?(worker: NodeId, bytes: number, ms: number): void;
}

/** What a worker was told to hold: layers of a model, for a place in the ring or to stand by. */
export interface Assigned extends LayerRange {
  readonly modelId: HexHash;
  readonly standby: boolean;
  readonly holder: SlotHolder;
}

/** Tells workers which layers to hold, and follows how far they are with them. Of each worker the newest assignment counts. */
export class Assignments {
  readonly #clock: Clock;
  readonly #workers: Pick<Workers, 'send'>;
  readonly #owner: AssignmentsOwner;
  /** By worker; null: told to hold nothing. */
  readonly #told = new Map<NodeId, Assigned | null>();
  /** Layers that each worker has loaded since it connected: their shards are in its cache. */
  readonly #cached = new Map<NodeId, { readonly modelId: HexHash; readonly layers: Set<number> }>();
  #count = 0;

  constructor(clock: Clock, workers: Pick<Workers, 'send'>, owner: AssignmentsOwner) {
    this.#clock = clock;
    this.#workers = workers;
    this.#owner = owner;
  }

  /** What the worker was told to hold; null for nothing, undefined when it was told nothing yet. */
  of(worker: NodeId): Assigned | null | undefined {
    return this.#told.get(worker);
  }

  /** Layers of a model that a worker has loaded before. */
  cached(worker: NodeId, modelId: HexHash): ReadonlySet<number> {
    const known = this.#cached.get(worker);
    return known?.modelId === modelId ? known.layers : NOTHING_CACHED;
  }

  /** Every worker that has loaded layers of this model since it connected, with those layers. */
  holders(modelId: HexHash): { readonly worker: NodeId; readonly layers: ReadonlySet<number> }[] {
    return [...this.#cached].flatMap(([worker, known]) => (known.modelId === modelId ? [{ worker, layers: known.layers }] : []));
  }

  /** Has the worker hold a range. One that has loaded it already, standing by, is ready at once: its engine stays as it is. */
  give(worker: NodeId, modelId: HexHash, { from, to }: LayerRange, standby: boolean): SlotHolder {
    const before = this.#told.get(worker);
    const same = before?.modelId === modelId && before.from === from && before.to === to ? before : undefined;
    if (same?.standby === standby) return same.holder;
    before?.holder.cancelTimer();
    const ready = same?.holder.ready === true;
    const { loadedBytes, totalBytes, fetchedBytes } = same?.holder ?? NOTHING_LOADED;
    const assignment = ++this.#count;
    const holder: SlotHolder = { worker, assignment, assignedAt: this.#clock.now(), ready, readyMs: ready ? 0 : undefined, loadedBytes, totalBytes, fetchedBytes, fetchingMs: 0, cancelTimer: () => undefined };
    this.#told.set(worker, { modelId, from, to, standby, holder });
    this.#watch(holder);
    this.#workers.send(worker, { type: 'assign', assignment, modelId, layers: [from, to], standby });
    return holder;
  }

  /** Has the worker hold nothing; said once. */
  takeAway(worker: NodeId, modelId: HexHash): void {
    const before = this.#told.get(worker);
    if (before === null) return;
    before?.holder.cancelTimer();
    this.#told.set(worker, null);
    this.#workers.send(worker, { type: 'assign', assignment: ++this.#count, modelId, layers: null, standby: false });
  }

  /** The worker is gone. */
  forget(worker: NodeId): void {
    this.#told.get(worker)?.holder.cancelTimer();
    this.#told.delete(worker);
    this.#cached.delete(worker);
  }

  /** A worker's shards; false when it names an assignment that was never made. */
  shards(from: NodeId, message: ShardsMessage): boolean {
    if (message.assignment > this.#count) return false;
    const holder = this.#told.get(from)?.holder;
    if (holder?.assignment !== message.assignment) return true; // of an older assignment
    if (message.state === 'failed') {
      holder.cancelTimer();
      this.#owner.failed(from, `its shards could not be loaded: ${message.error ?? 'no reason given'}`);
      return true;
    }
    const wasReady = holder.ready;
    const further = message.loadedBytes > holder.loadedBytes;
    // One that was taken to hold its layers, and loads them after all, is not ready any more.
    holder.ready = message.state === 'ready';
    if (further || wasReady !== holder.ready) this.#watch(holder);
    holder.loadedBytes = message.loadedBytes;
    holder.totalBytes = message.totalBytes;
    // Sessions are made from what was fetched while the rest comes: only the time in which bytes came is the line's.
    if (message.fetchedBytes > holder.fetchedBytes) holder.fetchingMs = this.#clock.now() - holder.assignedAt;
    holder.fetchedBytes = message.fetchedBytes;
    if (holder.ready && !wasReady) {
      holder.readyMs = this.#clock.now() - holder.assignedAt;
      this.#loaded(from);
      this.#owner.loaded(from);
    }
    return true;
  }

  /** Cancels every timer. */
  close(): void {
    for (const told of this.#told.values()) told?.holder.cancelTimer();
  }

  #loaded(worker: NodeId): void {
    const told = this.#told.get(worker);
    if (told === null || told === undefined) return;
    const known = this.#cached.get(worker);
    const layers = known?.modelId === told.modelId ? known.layers : new Set<number>();
    for (let layer = told.from; layer < told.to; layer++) layers.add(layer);
    this.#cached.set(worker, { modelId: told.modelId, layers });
    const { fetchedBytes, fetchingMs } = told.holder;
    if (fetchingMs > 0) this.#owner.fetched?.(worker, fetchedBytes, fetchingMs);
  }

  #watch(holder: SlotHolder): void {
    holder.cancelTimer();
    if (holder.ready) return;
    holder.cancelTimer = this.#clock.after(SHARDS_STALLED_MS, () => this.#owner.failed(holder.worker, `its shards got no further for ${SHARDS_STALLED_MS / 1000} s`));
  }
}

const NOTHING_CACHED: ReadonlySet<number> = new Set();
const NOTHING_LOADED = { loadedBytes: 0, totalBytes: 0, fetchedBytes: 0 } as const;
