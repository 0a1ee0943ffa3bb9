/**
 * A lap with drafts has to promise this much more ids a second than one without: what is measured of laps and drafts is not
 * exact, and where both are alike a lap without drafts computes less.
 */
export const LEAST_GAIN = 1.03;

/** What is known when a lap begins. */
export interface LapFigures {
  /** Milliseconds of a lap without drafts; undefined before one was timed. */
  readonly lapMs: number | undefined;
  /** Milliseconds that each draft adds to it, over all stages. */
  readonly rowMs: number;
  /** How likely a draft is right when those before it are, 0 to 1. */
  readonly acceptance: number;
  /** Drafts that there are. */
  readonly most: number;
}

/**
 * Drafts of the next lap: as many as bring the most ids a second. With k drafts of acceptance a, a lap is expected to give
 * 1 + a + … + a^k ids in lapMs + k × rowMs. None before a lap was timed.
 */
export function draftCount({ lapMs, rowMs, acceptance, most }: LapFigures): number {
  if (lapMs === undefined || !(lapMs > 0)) return 0;
  let [best, count] = [LEAST_GAIN / lapMs, 0];
  let [ids, likely] = [1, 1];
  for (let drafts = 1; drafts <= most; drafts++) {
    likely *= acceptance;
    ids += likely;
    const rate = ids / (lapMs + drafts * rowMs);
    if (rate > best) [best, count] = [rate, drafts];
  }
  return count;
}
