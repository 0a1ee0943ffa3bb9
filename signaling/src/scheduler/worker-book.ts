import type { NodeId } from '@ciro/core/ids.ts';
import { RttMatrix } from './rtt-matrix.ts';
import { ENGINE_SHARE_SMOOTHING, FAILED_LOAD_REMEMBERED_MS, FAILED_LOADS_BELIEVED, FAR_SLOWER, FETCH_SMOOTHING, LEAST_FETCH_BYTES, LEAST_LAYER_MS, LEAST_TOKENS_TO_TIME, MEMORY_AFTER_FAILED_LOAD, REAL_TIME_SMOOTHING, UNEXPLAINED_LAP_MS } from './scheduler-limits.ts';
import type { Clock } from '../sessions/clock.ts';

/** What one worker did in a job that is over. Milliseconds a position. */
export interface StageTime {
  readonly worker: NodeId;
  /** What its profile makes of its layers, and of the head if it has it. */
  readonly claimedMs: number;
  /** What it says itself that it took; undefined when it says nothing. */
  readonly saidMs: number | undefined;
  /** Part of the job's laps that its engine computed, 0 … 1; absent where laps were shared or not timed (SPEC W6). */
  readonly engineShare?: number | undefined;
}

/** A job as it was seen from here. */
export interface JobTime {
  readonly stages: readonly StageTime[];
  /** From id to id; undefined when other jobs shared the ring, or for want of ids. */
  readonly lapMs: number | undefined;
  /** Hops of a lap, as far as they are known. */
  readonly hopsMs: number;
}

interface Page {
  /** Real times over claimed ones, smoothed. */
  slower: number;
  /** What it claimed last, milliseconds a layer; undefined before it was heard. */
  claimedMs: number | undefined;
  engineShare: number | undefined;
  /** A job showed how slow it is. */
  served: boolean;
  bytesPerMs: number | undefined;
  memoryBytes: number;
  failedLoads: number;
  failedLoadAt: number;
  /** Said once a connection that it is far slower than it claimed. */
  named: boolean;
}

/** What workers turned out to be, over what they said when they joined. Kept as long as they are connected. */
export class WorkerBook {
  /** Round trips between workers, which outlast their connections. */
  readonly rtts: RttMatrix;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #pages = new Map<NodeId, Page>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.rtts = new RttMatrix(clock);
  }

  /** It says how long a layer takes it, perhaps again. What its jobs showed counts for more: another claim does not make it another device. */
  profiled(worker: NodeId, layerMs: number): void {
    const page = this.#page(worker);
    const claimedMs = Math.max(layerMs, LEAST_LAYER_MS);
    if (page.served) page.slower *= (page.claimedMs ?? claimedMs) / claimedMs;
    page.claimedMs = claimedMs;
  }

  /**
   * Books a job's times; gives the workers that are now known to be far slower than they said. A stage is as slow as it says itself,
   * and where the ring took longer than all of them say together, each is taken to hide an equal part of it.
   */
  served({ stages, lapMs, hopsMs }: JobTime): readonly NodeId[] {
    const said = stages.map(({ saidMs, claimedMs }) => (saidMs !== undefined && saidMs > 0 ? saidMs : claimedMs));
    const explained = said.reduce((sum, ms) => sum + ms, hopsMs);
    const hidden = lapMs === undefined || lapMs < FAR_SLOWER * explained + UNEXPLAINED_LAP_MS ? 0 : (lapMs - explained) / stages.length;
    return stages.flatMap(({ worker, claimedMs, engineShare }, stage) => {
      const page = this.#page(worker);
      if (engineShare !== undefined) page.engineShare = page.engineShare === undefined ? engineShare : page.engineShare + (engineShare - page.engineShare) * ENGINE_SHARE_SMOOTHING;
      const ratio = ((said[stage] ?? claimedMs) + hidden) / claimedMs;
      if (!Number.isFinite(ratio) || ratio <= 0) return [];
      page.slower += (ratio - page.slower) * REAL_TIME_SMOOTHING;
      page.served = true;
      if (page.named || page.slower < FAR_SLOWER) return [];
      page.named = true;
      return [worker];
    });
  }

  /** A worker fetched so much in this time. Less than `LEAST_FETCH_BYTES` says nothing. */
  fetched(worker: NodeId, bytes: number, ms: number): void {
    if (bytes < LEAST_FETCH_BYTES || ms <= 0) return;
    const page = this.#page(worker);
    const now = bytes / ms;
    page.bytesPerMs = page.bytesPerMs === undefined ? now : page.bytesPerMs + (now - page.bytesPerMs) * FETCH_SMOOTHING;
  }

  /** It could not load this much. Once may be its line; whose second load fails is taken to have less memory for a while. */
  failedLoad(worker: NodeId, bytes: number): void {
    const page = this.#page(worker);
    page.failedLoads++;
    page.failedLoadAt = this.#clock.now();
    if (page.failedLoads >= FAILED_LOADS_BELIEVED) page.memoryBytes = Math.min(page.memoryBytes, bytes * MEMORY_AFTER_FAILED_LOAD);
  }

  forget(worker: NodeId): void {
    this.#pages.delete(worker);
  }

  /** How much slower than its profile it is; 1 until it served. */
  slower(worker: NodeId): number {
    return this.#pages.get(worker)?.slower ?? 1;
  }

  /** Part of its laps that its engine computed; undefined before it served a job alone. */
  engineShare(worker: NodeId): number | undefined {
    return this.#pages.get(worker)?.engineShare;
  }

  bytesPerMs(worker: NodeId): number | undefined {
    return this.#pages.get(worker)?.bytesPerMs;
  }

  /** Its memory, of what it says. */
  memory(worker: NodeId, claimedBytes: number): number {
    const page = this.#pages.get(worker);
    if (page === undefined || this.#clock.now() - page.failedLoadAt >= FAILED_LOAD_REMEMBERED_MS) return claimedBytes;
    return Math.min(claimedBytes, page.memoryBytes);
  }

  #page(worker: NodeId): Page {
    let page = this.#pages.get(worker);
    if (page === undefined) this.#pages.set(worker, (page = { slower: 1, claimedMs: undefined, engineShare: undefined, served: false, bytesPerMs: undefined, memoryBytes: Number.POSITIVE_INFINITY, failedLoads: 0, failedLoadAt: 0, named: false }));
    return page;
  }
}

/** From id to id as it was seen; undefined for want of ids. */
export const lapOf = (tokens: number, tokensPerSecond: number): number | undefined => (tokens < LEAST_TOKENS_TO_TIME || tokensPerSecond <= 0 ? undefined : 1_000 / tokensPerSecond);
