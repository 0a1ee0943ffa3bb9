/** Guesses after ends of about one length, which come true about as often. */
interface MatchClass {
  /** Least ids of the end that was met before. */
  readonly match: number;
  /** How often a draft came true before anything was seen: of the answers in vectors/greedy.json, rounded down. */
  readonly prior: number;
}

const CLASSES: readonly MatchClass[] = [
  { match: 4, prior: 0.85 },
  { match: 2, prior: 0.7 },
  { match: 1, prior: 0.2 },
];

/** The prior counts as that many drafts: so many that come true or not say as much. */
const PRIOR_WEIGHT = 4;

/** How often drafts come true in one answer, by how long the end was that they followed. */
export class Acceptance {
  readonly #counts = CLASSES.map(({ prior }) => ({ tried: PRIOR_WEIGHT, right: PRIOR_WEIGHT * prior }));

  /** How likely the next draft is right, after an end of `match` ids. 0 for no match. */
  of(match: number): number {
    const count = this.#count(match);
    return count === undefined ? 0 : count.right / count.tried;
  }

  /** A lap told of drafts after an end of `match` ids: the first `right` of `drafted` came true. Those after the first wrong one were not tried. */
  note(match: number, drafted: number, right: number): void {
    const count = this.#count(match);
    if (count === undefined) return;
    count.tried += Math.min(drafted, right + 1);
    count.right += right;
  }

  #count(match: number): { tried: number; right: number } | undefined {
    return this.#counts[CLASSES.findIndex((each) => match >= each.match)];
  }
}
