import { EXPLORE_AGAIN_MS, EXPLORE_EVERY_MS, HOLD_MOST_MS, LAPS_TO_MEASURE } from './stage-limits.ts';

/** Rows a second that were seen, and when. */
interface Seen {
  readonly rate: number;
  readonly at: number;
}

/** Rows that came back since a lap after the choice; `since` is set then. */
interface Window {
  since: number | undefined;
  rows: number;
}

/** No groups: what waits when the engine is free leaves. */
const AS_THEY_COME = Infinity;

/**
 * Decides on the first stage how the generated rows of several jobs go round the ring (SPEC E2): each as soon as it can, or in so
 * many groups of about one size, whose rows share a run at every stage. Which is quicker depends on the devices: stages that have one each are kept
 * busy by as many groups, stages on one processor by fewer. So it is measured: rows that came back a second, for every number of
 * groups in turn, and the quickest is kept. No clock of its own: `now` is in milliseconds.
 */
export class LapGroups {
  /** By job the number of the run in which its row left. */
  readonly #out = new Map<string, number>();
  #runs = 0;
  /** By jobs and groups. */
  readonly #seen = new Map<number, Map<number, Seen>>();
  #jobs = 0;
  #groups = 0;
  #window: Window = { since: undefined, rows: 0 };
  #exploredAt = -Infinity;
  #heldSince: number | undefined;

  /** Rows of these jobs left in one run. */
  left(jobs: readonly string[]): void {
    this.#runs++;
    for (const job of jobs) this.#out.set(job, this.#runs);
    this.#heldSince = undefined;
  }

  /** A job's id came back, and its next row waits, with those of `waiting` jobs in all. */
  returned(job: string, waiting: number, now: number): void {
    if (!this.#out.delete(job)) return;
    const jobs = waiting + this.#out.size;
    const window = this.#window;
    if (jobs !== this.#jobs) return this.#choose(jobs, now);
    window.rows++;
    if (window.rows === jobs) window.since = now;
    if (window.since === undefined || window.rows < (1 + LAPS_TO_MEASURE) * jobs) return;
    const rates = this.#ratesOf(jobs);
    const rate = (window.rows - jobs) / Math.max(1, now - window.since);
    rates.set(this.#groups, { rate: (rate + (rates.get(this.#groups)?.rate ?? rate)) / 2, at: now });
    this.#choose(jobs, now);
  }

  /** A job is over: nobody waits for its row. */
  gone(job: string): void {
    this.#out.delete(job);
  }

  /** A chunk of a prompt was computed: what was counted until now says nothing of the groups. */
  disturbed(): void {
    this.#window = { since: undefined, rows: 0 };
  }

  /** Rows of the `waiting` jobs that may leave now, in one run; 0 while they are to wait for others. What did not come back in HOLD_MOST_MS is not counted on any more. */
  mayLeave(waiting: number, now: number): number {
    const jobs = waiting + this.#out.size;
    if (jobs !== this.#jobs || this.#groups === AS_THEY_COME) return waiting;
    if (new Set(this.#out.values()).size < this.#groups) return Math.ceil(jobs / this.#groups);

    this.#heldSince ??= now;
    if (now - this.#heldSince < HOLD_MOST_MS) return 0;
    this.#out.clear();
    return waiting;
  }

  /** Every number of groups once, and rows as they come first; then the quickest, and now and then one that was not tried for long. */
  #choose(jobs: number, now: number): void {
    const rates = this.#ratesOf(jobs);
    const choices = [AS_THEY_COME, ...new Set(Array.from({ length: jobs }, (_, size) => Math.ceil(jobs / (size + 1))))];
    const mayExplore = now - this.#exploredAt >= EXPLORE_EVERY_MS;
    const other = choices.find((groups) => !rates.has(groups)) ?? choices.find((groups) => mayExplore && now - (rates.get(groups)?.at ?? now) >= EXPLORE_AGAIN_MS);
    if (other !== undefined) this.#exploredAt = now;
    const rateOf = (groups: number): number => rates.get(groups)?.rate ?? 0;
    this.#jobs = jobs;
    this.#groups = other ?? choices.reduce((best, groups) => (rateOf(groups) > rateOf(best) ? groups : best), AS_THEY_COME);
    this.#window = { since: undefined, rows: 0 };
  }

  #ratesOf(jobs: number): Map<number, Seen> {
    const known = this.#seen.get(jobs) ?? new Map<number, Seen>();
    this.#seen.set(jobs, known);
    return known;
  }
}
