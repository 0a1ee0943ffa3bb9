/**
 * The ids of one lap, on the stage that draws them: the one that follows the lap's first row, and each next one while the id before it is
 * the draft from which its row was computed. Ends at the first draft that is wrong, at a stop id, and at the last row.
 *
 * @param rows computed rows, the first of which holds whatever is drafted
 * @param drafts drafts[i] is what row i + 1 was computed from; fewer than rows − 1 when they did not come
 * @param drawAfter draws the id that follows a row; called for one row after the other
 */
export function acceptDrafts(rows: number, drafts: ArrayLike<number>, stopIds: readonly number[], drawAfter: (row: number) => number): number[] {
  const ids: number[] = [];
  for (let row = 0; row < rows; row++) {
    const id = drawAfter(row);
    ids.push(id);
    if (id !== drafts[row] || stopIds.includes(id)) break;
  }
  return ids;
}
