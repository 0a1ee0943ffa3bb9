import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lookUp, MAX_MATCH_IDS } from './prompt-look-up.ts';

const SEED = 4_711;
const guess = (ids: readonly number[], most = 3): { match: number; ids: number[] } => {
  const found = lookUp(Uint32Array.from(ids), most);
  return { match: found.match, ids: [...found.ids] };
};

it.each([
  ['nothing before', [1, 2, 3], { match: 0, ids: [] }],
  ['no ids', [], { match: 0, ids: [] }],
  ['one id', [7], { match: 0, ids: [] }],
  ['one id met before', [5, 6, 7, 9, 5], { match: 1, ids: [6, 7, 9] }],
  ['the longest end, not the latest place', [1, 2, 3, 4, 9, 3, 8, 2, 3], { match: 2, ids: [4, 9, 3] }],
  ['the latest of equal places', [1, 2, 6, 1, 2, 7, 1, 2], { match: 2, ids: [7, 1, 2] }],
  ['a loop that goes on', [4, 1, 2, 1, 2], { match: 2, ids: [1, 2, 1] }],
  ['one id over and over', [3, 3, 3], { match: 2, ids: [3, 3, 3] }],
])('E5: the guess after %s', (_what, ids, found) => {
  expect(guess(ids)).toEqual(found);
});

it('E5: guesses as many as are wanted, and none when none are', () => {
  expect(guess([1, 2, 3, 1], 2).ids).toEqual([2, 3]);
  expect(guess([1, 2, 3, 1], 5).ids).toEqual([2, 3, 1, 2, 3]);
  expect(guess([1, 2, 3, 1], 0)).toEqual({ match: 0, ids: [] });
});

it(`E5: what is guessed followed ids that are equal to the last ones, and no end that is longer was met before (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 60 }), (ids) => {
      const { match, ids: drafts } = guess(ids, 1);
      const met = (length: number): number[] => ids.flatMap((_, at) => (at + 1 >= length && at < ids.length - 1 && ids.slice(at + 1 - length, at + 1).join() === ids.slice(ids.length - length).join() ? [at] : []));
      if (match === 0) {
        expect(met(1)).toEqual([]);
        return;
      }
      expect(match).toBeLessThanOrEqual(MAX_MATCH_IDS);
      expect(drafts).toEqual([ids[(met(match).at(-1) ?? -1) + 1]]);
      if (match < MAX_MATCH_IDS) expect(met(match + 1)).toEqual([]);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});
