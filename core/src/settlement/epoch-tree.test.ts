import fc from 'fast-check';
import { expect, it } from 'vitest';
import { climb, depthOf, emptyNode, groupProof, growTree, proofOf, rootOf } from './epoch-tree.ts';
import { poseidonPair } from './hades.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`epoch tree: seed ${seed}`);

const leaves = fc.array(fc.bigInt(1n, 1_000n), { minLength: 1, maxLength: 21 });

it('X2: the depth is the least that holds the leaves, and padding is 0', () => {
  expect([1, 2, 3, 4, 5, 128, 129].map(depthOf)).toEqual([0, 1, 2, 2, 3, 7, 8]);
  expect(() => depthOf(2 ** 20 + 1)).toThrow('1048577 leaves need a tree of depth 21');
  expect(emptyNode(2)).toBe(poseidonPair(poseidonPair(0n, 0n), poseidonPair(0n, 0n)));
  expect(rootOf(growTree([5n, 6n, 7n]))).toBe(poseidonPair(poseidonPair(5n, 6n), poseidonPair(7n, 0n)));
  expect(rootOf(growTree([9n]))).toBe(9n);
  expect(rootOf(growTree([], { depth: 1 }))).toBe(poseidonPair(0n, 0n));
  expect(() => growTree([1n, 2n, 3n], { depth: 1 })).toThrow('3 leaves in a tree of depth 1');
});

it('X2: a tree that takes nodes from the one before is the fresh tree, whatever changed, came or went', () => {
  fc.assert(
    fc.property(leaves, leaves, fc.array(fc.nat(30)), (before, after, changed) => {
      const next = before.map((leaf, index) => (changed.includes(index) ? leaf + 1n : leaf));
      for (const now of [after, next, [...before, 3n], before.slice(1), before.slice(0, 1)]) expect(growTree(now, { before: growTree(before) })).toEqual(growTree(now));
    }),
    { seed, numRuns: 20 },
  );
});

it('X2: a node whose children stayed the same is taken as it was, and not hashed again', () => {
  const honest = growTree([1n, 2n, 3n, 4n, 5n]);
  // A wrong node shows where it was taken from.
  const before = { ...honest, levels: honest.levels.map((level, height) => (height === 1 ? [level[0] as bigint, 77n, level[2] as bigint] : level)) };
  expect(growTree([1n, 2n, 3n, 4n, 6n], { before }).levels[1]?.[1]).toBe(77n);
  expect(growTree([1n, 2n, 3n, 9n, 5n], { before }).levels[1]?.[1]).toBe(poseidonPair(3n, 9n));
});

it('X2: subtrees over parts of the leaves, and a tree over their roots, make the same tree', () => {
  const all = Array.from({ length: 11 }, (_, index) => BigInt(index + 5));
  const parts = [all.slice(0, 4), all.slice(4, 8), all.slice(8)].map((part) => growTree(part, { depth: 2 }));
  const top = growTree(parts.map(rootOf), { depth: 2, base: 2 });
  expect(rootOf(top)).toBe(rootOf(growTree(all)));
});

it('X3: every aligned group has a proof from its own node; a leaf beside it, or moved, leads elsewhere', () => {
  fc.assert(
    fc.property(leaves, fc.nat(), fc.nat(), (all, pick, size) => {
      const tree = growTree(all);
      const index = pick % all.length;
      const height = size % (tree.depth + 1);
      const first = index - (index % 2 ** height);
      const proof = groupProof(tree, first, height);
      const group = growTree(all.slice(first, first + 2 ** height), { depth: height });
      expect(proof).toHaveLength(tree.depth - height);
      expect(climb(rootOf(group), first / 2 ** height, proof)).toBe(rootOf(tree));
      expect(climb(all[index] as bigint, index, proofOf(tree, index))).toBe(rootOf(tree));
      expect(climb((all[index] as bigint) + 1n, index, proofOf(tree, index))).not.toBe(rootOf(tree));
    }),
    { seed, numRuns: 40 },
  );
  expect(() => groupProof(growTree([1n, 2n, 3n]), 1, 1)).toThrow('a group of 2^1 leaves at 1');
  expect(() => proofOf(growTree([1n, 2n, 3n]), 3)).toThrow('leaf 3 of a tree of 3');
});
