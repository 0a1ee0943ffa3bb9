import { StageError } from './stage-error.ts';
import { EVICT_IDLE_MS } from './stage-limits.ts';
import type { PlanPrefix } from '@ciro/core/job/plan.ts';
import type { KeptCaches } from './kept-caches.ts';
import type { KeptJobs } from './kept-jobs.ts';
import type { OpenJob } from './open-job.ts';
import type { HeldStage, StagePorts } from './stage-ports.ts';

export interface StageMemoryParts {
  readonly budgetBytes: number;
  readonly ports: Pick<StagePorts, 'now' | 'auditBytes'>;
  readonly kept: KeptJobs;
  readonly caches: KeptCaches;
  readonly jobs: () => Iterable<OpenJob>;
  readonly held: () => HeldStage | undefined;
  readonly fail: (open: OpenJob, error: StageError) => void;
}

/** What a worker holds beside its weights, and what gives way to what (SPEC E4, V1): kept caches first, then idle jobs, then rows of old ones. */
export class StageMemory {
  readonly #parts: StageMemoryParts;

  constructor(parts: StageMemoryParts) {
    this.#parts = parts;
  }

  /** Bytes of rows: of jobs under way, and kept of those that are over. The engine's own come on top. */
  get rowBytes(): number {
    return this.#openRowBytes() + this.#keptRowBytes();
  }

  /** Bytes that stage, jobs, rows and `needed` more take, after kept caches made way where they are over the budget. */
  makeWay(needed: number): number {
    const bytes = (): number => this.#engineBytes() + this.rowBytes + needed;
    this.#parts.caches.giveBack(() => bytes() > this.#parts.budgetBytes);
    return bytes();
  }

  /** Bytes held beside the engine's after what batches copied, kept caches (the one that a plan names last), idle jobs, rows of old ones and idle audit engines made way for `needed` more. */
  heldBeside(needed: number, spared: PlanPrefix | undefined): number {
    const { budgetBytes, kept, caches, ports, held } = this.#parts;
    const exceeds = (rowBytes: number): boolean => this.#engineBytes() + rowBytes + needed > budgetBytes;
    if (exceeds(this.rowBytes)) held()?.engine.releaseBatch();
    caches.giveBack(() => exceeds(this.rowBytes), spared);
    this.evictIdle(() => exceeds(this.#openRowBytes()));
    const engineBytes = this.#engineBytes();
    const fixed = this.#openRowBytes() + ports.auditBytes(needed + engineBytes + this.rowBytes);
    kept.giveBackTo(Math.max(0, budgetBytes - engineBytes - fixed - needed));
    return fixed + this.#keptRowBytes();
  }

  /** Takes the caches of jobs that had no work for EVICT_IDLE_MS, the longest idle first, while `needed` says so. Each fails by name: nothing is computed from a cache that is gone. */
  evictIdle(needed: () => boolean): void {
    const now = this.#parts.ports.now();
    const idle = [...this.#parts.jobs()].filter((open) => open.state === 'open' && !open.computing && open.waiting === 0 && now - open.busyAt >= EVICT_IDLE_MS);
    for (const open of idle.sort((a, b) => a.busyAt - b.busyAt)) {
      if (!needed()) return;
      this.#parts.fail(open, new StageError('evicted', `Job ${open.job.plan.job} had no work here for ${Math.floor((now - open.busyAt) / 1000)} s, and its cache was given to another job; run it again.`, { fault: 'timeout' }));
    }
  }

  #engineBytes(): number {
    return this.#parts.held()?.engine.promisedBytes ?? 0;
  }

  #keptRowBytes(): number {
    const { kept, caches } = this.#parts;
    return kept.heldBytes + caches.rowBytes((rows) => kept.holds(rows));
  }

  #openRowBytes(): number {
    let bytes = 0;
    for (const { job, state } of this.#parts.jobs()) if (state !== 'ended') bytes += job.heldBytes;
    return bytes;
  }
}
