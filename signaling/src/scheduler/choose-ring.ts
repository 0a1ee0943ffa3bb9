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
 * over the one with fewer jobs, then the older. `shareOf`: the part of the job's work that is left to do there, 0 to 1; less than 1 where the ring keeps its beginning.
 */
export function chooseRing<Ring extends OpenRing>(open: readonly Ring[], shareOf: (ring: Ring) => number = () => 1): Ring | undefined {
  const [best] = open
    .map((ring) => ({ ring, ms: shareOf(ring) * positionMs(ring) }))
    .toSorted((a, b) => a.ms - b.ms || a.ring.jobs - b.ring.jobs || a.ring.number - b.ring.number);
  return best?.ring;
}
