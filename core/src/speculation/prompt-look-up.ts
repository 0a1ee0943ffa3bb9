/** Longest end of a text that is looked for: that many equal ids are a copy, and more say no more. */
export const MAX_MATCH_IDS = 8;

/** What may come next, and how many ids before it were met before: 0 when none was. */
export interface LookedUp {
  readonly match: number;
  readonly ids: Uint32Array;
}

const NOTHING: LookedUp = { match: 0, ids: new Uint32Array(0) };

/**
 * Guesses the `most` ids that follow `ids` (a prompt and its answer so far): where the longest end of them, of at most MAX_MATCH_IDS,
 * was met before, what followed it there; of equals the latest place. Where that reaches the end it goes on with its own guess,
 * so a loop is gone round again. A function of its arguments alone.
 */
export function lookUp(ids: Uint32Array, most: number): LookedUp {
  const last = ids.length - 1;
  let match = 0;
  let from = 0;
  for (let at = last - 1; at >= 0 && match < MAX_MATCH_IDS; at--) {
    let equal = 0;
    while (equal < MAX_MATCH_IDS && equal <= at && ids[at - equal] === ids[last - equal]) equal++;
    if (equal > match) [match, from] = [equal, at + 1];
  }
  if (match === 0 || most < 1) return NOTHING;
  const period = ids.length - from;
  return { match, ids: Uint32Array.from({ length: most }, (_, index) => ids[from + (index % period)] ?? 0) };
}
