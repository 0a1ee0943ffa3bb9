import type { NodeId } from '@ciro/core/ids.ts';
import type { PlacementStandings } from '../scheduler/standings-port.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Worker } from '../sessions/worker.ts';

/** How long an operator's alert keeps a worker from being placed: it may mend itself, or be looked at. */
export const DRAIN_MS = 30 * 60_000;
/** Failures are counted over so long… */
export const FAULT_WINDOW_MS = 10 * 60_000;
/** …and so many of one worker, and at least half of all, make it the bad one. */
export const BAD_FAULTS = 3;
/** Failures remembered: far more than a network that works has in the window. */
const MAX_FAULTS = 10_000;
/** Workers that rest at a time: a network of which more do is not mended by resting. */
const MAX_DRAINED = 1_000;

/**
 * Conduct as placement sees it, and workers that rest: a drained one ends what it does and is given nothing new for DRAIN_MS. It is not demoted: no
 * audit found anything, nothing is paid less, and it audits on (SPEC O5).
 */
export class DrainedWorkers implements PlacementStandings {
  readonly #standings: PlacementStandings;
  readonly #clock: Clock;
  readonly #drained = new Map<NodeId, () => void>();
  readonly #faults: { readonly worker: NodeId; readonly at: number }[] = [];
  readonly #listeners: ((node: NodeId) => void)[] = [];

  constructor(standings: PlacementStandings, clock: Clock) {
    this.#standings = standings;
    this.#clock = clock;
  }

  isDemoted(node: NodeId): boolean {
    return this.#drained.has(node) || this.#standings.isDemoted(node);
  }

  reputations(workers: readonly Worker[]): ReadonlyMap<NodeId, number> {
    return this.#standings.reputations(workers);
  }

  onDemoted(listener: (node: NodeId) => void): void {
    this.#listeners.push(listener);
    this.#standings.onDemoted(listener);
  }

  /** A job failed or moved because of this worker. */
  readonly blamed = (worker: NodeId): void => {
    this.#faults.push({ worker, at: this.#clock.now() });
    if (this.#faults.length > MAX_FAULTS) this.#faults.shift();
  };

  /** The worker that most failures of the last minutes are due to; undefined where none stands out. */
  worst(): NodeId | undefined {
    const since = this.#clock.now() - FAULT_WINDOW_MS;
    while (this.#faults[0] !== undefined && this.#faults[0].at < since) this.#faults.shift();
    const counts = new Map<NodeId, number>();
    for (const { worker } of this.#faults) if (!this.#drained.has(worker)) counts.set(worker, (counts.get(worker) ?? 0) + 1);
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const [worst] = [...counts].sort(([a, faults], [b, more]) => more - faults || (a < b ? -1 : 1));
    return worst !== undefined && worst[1] >= BAD_FAULTS && 2 * worst[1] >= all ? worst[0] : undefined;
  }

  /** Gives it nothing new for DRAIN_MS, from now on where it rests already; false where too many rest. */
  drain(worker: NodeId): boolean {
    const before = this.#drained.get(worker);
    if (before === undefined && this.#drained.size >= MAX_DRAINED) return false;
    before?.();
    this.#drained.set(worker, this.#clock.after(DRAIN_MS, () => this.#rested(worker)));
    if (before === undefined) this.#tell(worker);
    return true;
  }

  /** Ends all timers. */
  close(): void {
    for (const cancel of this.#drained.values()) cancel();
  }

  #rested(worker: NodeId): void {
    this.#drained.delete(worker);
    this.#tell(worker);
  }

  #tell(worker: NodeId): void {
    for (const listener of this.#listeners) listener(worker);
  }
}
