/** Added to the score of a key that a query must not see. Finite, since -Infinity is undefined behaviour in WGSL fast math. */
export const MASKED_SCORE = -1e9;

/** One row of a batch: `cached` keys are valid in the cache, and its `count` new tokens follow them causally. */
export interface MaskRow {
  readonly cached: number;
  readonly count: number;
}

/**
 * Additive attention mask [rows, 1, group * tokens, capacity + tokens], row-major.
 * Key columns are the cache's `capacity` slots, then the new tokens. Query rows repeat once per head of the group, because
 * the graph lays the group's heads along the query axis. Tokens past a row's `count` are padding: they see themselves only.
 */
export function attentionMask(rows: readonly MaskRow[], group: number, tokens: number, capacity: number): Float32Array {
  const width = capacity + tokens;
  const mask = new Float32Array(rows.length * group * tokens * width).fill(MASKED_SCORE);
  let at = 0;
  for (const row of rows) {
    for (let head = 0; head < group; head++) {
      for (let token = 0; token < tokens; token++, at += width) {
        if (token < row.count) {
          mask.fill(0, at, at + row.cached);
          mask.fill(0, at + capacity, at + capacity + token + 1);
        } else {
          mask[at + capacity + token] = 0;
        }
      }
    }
  }
  return mask;
}
