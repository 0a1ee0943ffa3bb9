import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planGroups } from './group-plan.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`group plan: seed ${seed}`);

it('X8: all due are one group per 128, one due is a group of its own, none is no group', () => {
  const all = (count: number): boolean[] => Array.from({ length: count }, () => true);
  expect(planGroups(all(256))).toEqual([{ first: 0, size: 128 }, { first: 128, size: 128 }]);
  expect(planGroups(all(5))).toEqual([{ first: 0, size: 8 }]);
  expect(planGroups([false, false, false, false, true, false])).toEqual([{ first: 4, size: 2 }]);
  expect(planGroups([false, false, false, true], 1)).toEqual([{ first: 3, size: 1 }]);
  expect(planGroups([false, false])).toEqual([]);
  expect(planGroups([true])).toEqual([{ first: 0, size: 1 }]);
  expect(planGroups([true, true, true, false], 128, [false, false, false, true])).toEqual([{ first: 0, size: 2 }, { first: 2, size: 1 }]);
});

it('X3, X8: groups are aligned, rise without overlap, cover exactly every due leaf, and at least half of each is due', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 70 }), fc.constantFrom(1, 2, 16, 128), (due, largest) => {
      const groups = planGroups(due, largest);
      const covered = new Set<number>();
      for (const { first, size } of groups) {
        expect([first % size, Math.log2(size) % 1, size <= largest]).toEqual([0, 0, true]);
        const leaves = Array.from({ length: size }, (_, at) => first + at);
        expect(leaves.filter((leaf) => due[leaf] === true).length * 2).toBeGreaterThanOrEqual(size);
        for (const leaf of leaves) {
          expect(covered.has(leaf)).toBe(false);
          covered.add(leaf);
        }
      }
      for (const [leaf, wanted] of due.entries()) if (wanted) expect(covered.has(leaf)).toBe(true);
    }),
    { seed },
  );
});
