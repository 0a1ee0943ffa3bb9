/** What another job on the ring costs each of them, of an answer alone: measured, four at once go at 0.62 of the pace of one (benchmarks/results/batch.json). */
const SHARING_COST = 0.2;

/** A ring that has room for a job. */
export interface OpenRing {
  /** Rings are numbered in the order in which they were made. */
  readonly number: number;
  /** Milliseconds a position of an answer alone. */
  readonly totalMs: number;
  /** Jobs that run over it. */
  readonly jobs: number;
}

/** Milliseconds that a position of one job more is predicted to cost there, the delay of those that run counted in. */
export const positionMs = ({ totalMs, jobs }: Omit<OpenRing, 'number'>): number => totalMs * (1 + 2 * SHARING_COST * jobs);

/**
 * Where a job is to run: over the ring that finishes it first by what is predicted, the delay of those that run there counted as its own. Of equals
 * over the one with fewer jobs, then the older. `prefers`: rings that are worth more than that for this job; others only where none of them has room.
 */
export function chooseRing<Ring extends OpenRing>(open: readonly Ring[], prefers: (ring: Ring) => boolean = () => false): Ring | undefined {
  const preferred = open.filter(prefers);
  const [best] = (preferred.length > 0 ? preferred : open).toSorted((a, b) => positionMs(a) - positionMs(b) || a.jobs - b.jobs || a.number - b.number);
  return best;
}
