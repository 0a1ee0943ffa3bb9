import { expect, it } from 'vitest';
import { acceptDrafts } from './accept-drafts.ts';

/** Which rows an id was drawn after, and the ids. */
function accept(drawn: readonly number[], drafts: readonly number[], stopIds: readonly number[] = [], rows = drafts.length + 1): { ids: number[]; looked: number[] } {
  const looked: number[] = [];
  const ids = acceptDrafts(rows, drafts, stopIds, (row) => {
    looked.push(row);
    return drawn[row] ?? -1;
  });
  return { ids, looked };
}

it.each([
  ['no drafts', [5, 6], [], [], [5]],
  ['all right, and one more after the last', [5, 6, 7], [5, 6], [], [5, 6, 7]],
  ['the first one wrong', [5, 6, 7], [4, 6], [], [5]],
  ['the second one wrong: later ones were computed from it', [5, 9, 7], [5, 6, 7], [], [5, 9]],
  ['a stop id that was drafted', [5, 2, 7], [5, 2, 7], [2], [5, 2]],
  ['a stop id that was not', [2, 6, 7], [5, 6], [2], [2]],
])('E6: ids of a lap with %s', (_what, drawn, drafts, stopIds, ids) => {
  const found = accept(drawn, drafts, stopIds);
  expect(found.ids).toEqual(ids);
  // Nothing is drawn that is not given: a draw changes what a later one sees.
  expect(found.looked).toEqual(ids.map((_, row) => row));
});

it('E6: drafts that did not come, or more than there are rows, change nothing', () => {
  expect(accept([5, 6, 7], [], [], 3).ids).toEqual([5]);
  expect(accept([5, 6, 7], [5, 6, 7, 8], [], 2).ids).toEqual([5, 6]);
});
