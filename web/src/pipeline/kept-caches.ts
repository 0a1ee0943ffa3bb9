import { KEPT_CACHE_MS } from '@ciro/core/protocol/limits.ts';
import { jobKey } from './stage-job.ts';
import { MAX_KEPT_CACHES } from './stage-limits.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { PlanPrefix } from '@ciro/core/job/plan.ts';
import type { KeptRows } from './kept-rows.ts';
import type { HeldStage } from './stage-ports.ts';

/** A job that is over: the rows of its accepted positions, whose keys and values the engine still holds under `jobKey(job, version)`. */
export interface KeptCache {
  readonly job: JobId;
  readonly version: number;
  readonly planHash: HexHash;
  readonly held: HeldStage;
  readonly rows: KeptRows;
}

interface Entry extends KeptCache {
  /** On the clock of `now`, in milliseconds. */
  readonly until: number;
}

export interface KeptCachePorts {
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

/**
 * What a stage keeps of jobs that are over, for a job that goes on from one (SPEC V1). Bounded by time, by count, and by whatever else
 * needs the memory: the oldest go first. Nobody is harmed by what is gone; the plan that names it is refused, and computes everything.
 */
export class KeptCaches {
  readonly #ports: KeptCachePorts;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(ports: KeptCachePorts) {
    this.#ports = ports;
  }

  /** Takes the job's cache over from the engine: cut to the rows' positions, and made smaller where that lets more than half of it go. */
  keep(cache: KeptCache, positions: number): void {
    const key = jobKey(cache.job, cache.version);
    const { engine } = cache.held;
    try {
      if (2 * cache.rows.positions < positions) engine.handOver(key, key, cache.rows.positions, cache.rows.positions);
      else engine.truncate(key, cache.rows.positions);
    } catch {
      // Of an engine that is just lost nothing is kept; the next run tells of it.
      engine.closeJob(key);
      return;
    }
    this.#entries.set(key, { ...cache, until: this.#ports.now() + KEPT_CACHE_MS });
    this.giveBack(() => this.#entries.size > MAX_KEPT_CACHES);
    void this.#ports.wait(KEPT_CACHE_MS).then(() => this.#expire());
  }

  /** The job that a prefix names, as far as it goes; undefined when it is not kept by the stage that is held now. */
  find(prefix: PlanPrefix | undefined, held: HeldStage | undefined): KeptCache | undefined {
    this.#expire();
    if (prefix === undefined) return undefined;
    return [...this.#entries.values()].find((each) => each.job === prefix.job && each.planHash === prefix.planHash && each.held === held && each.rows.positions >= prefix.positions);
  }

  /** Hands a kept cache over to a job with room for `maxPositions`: it is that job's now. Throws what the engine does. */
  handOver(cache: KeptCache, toKey: string, positions: number, maxPositions: number): void {
    const key = jobKey(cache.job, cache.version);
    cache.held.engine.handOver(key, toKey, positions, maxPositions);
    this.#entries.delete(key);
  }

  forget(job: JobId, version: number): void {
    this.#drop(jobKey(job, version));
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.#drop(key);
  }

  /** Gives caches back, the oldest first, while `needed` says so; the spared one last. */
  giveBack(needed: () => boolean, spared?: PlanPrefix): void {
    this.#expire();
    const entries = [...this.#entries].sort(([, a], [, b]) => Number(a.planHash === spared?.planHash) - Number(b.planHash === spared?.planHash));
    for (const [key] of entries) {
      if (!needed()) return;
      this.#drop(key);
    }
  }

  /** Bytes of rows that only this keeps from being given back; the engine counts its caches itself. */
  rowBytes(isCounted: (rows: KeptRows) => boolean): number {
    let bytes = 0;
    for (const { rows } of this.#entries.values()) if (!isCounted(rows)) bytes += rows.bytes;
    return bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  #drop(key: string): void {
    this.#entries.get(key)?.held.engine.closeJob(key);
    this.#entries.delete(key);
  }

  #expire(): void {
    const now = this.#ports.now();
    for (const [key, { until }] of [...this.#entries]) if (until <= now) this.#drop(key);
  }
}
