import fc from 'fast-check';
import { expect, it } from 'vitest';
import { felt, poseidonPair, textFelt } from './felts.ts';
import { payoutLeaf, payoutTree } from './payout-tree.ts';
import type { Felt } from './felts.ts';

const CHAIN = textFelt('SN_SEPOLIA');
const STORE = felt(0x57e);

/** As merkle.cairo's `fold`. */
function fold(start: Felt, index: number, proof: readonly Felt[]): Felt {
  return proof.reduce((hash, sibling, level) => (Math.floor(index / 2 ** level) % 2 === 0 ? poseidonPair(hash, sibling) : poseidonPair(sibling, hash)), start);
}

it('every payee’s proof, and every aligned group’s, ends at the root', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 4, max: 5 }), fc.integer({ min: 0, max: 3 }), (count, depth, levels) => {
      const payees = Array.from({ length: count }, (_, at) => ({ account: felt(100 + at), cumulative: BigInt(at) * 3n + 1n }));
      const tree = payoutTree(CHAIN, STORE, payees, depth);
      for (const [index, payee] of payees.entries()) expect(fold(payoutLeaf(CHAIN, STORE, payee), index, tree.proof(index))).toBe(tree.root);
      const leaves = (at: number): Felt => (payees[at] === undefined ? felt(0) : payoutLeaf(CHAIN, STORE, payees[at]));
      const node = (at: number, level: number): Felt => (level === 0 ? leaves(at) : poseidonPair(node(2 * at, level - 1), node(2 * at + 1, level - 1)));
      const place = Math.floor((count - 1) / 2 ** levels);
      expect(fold(node(place, levels), place, tree.proof(place * 2 ** levels, levels))).toBe(tree.root);
      expect(tree.total).toBe(payees.reduce((sum, { cumulative }) => sum + cumulative, 0n));
    }),
    { numRuns: 4, seed: 6 },
  );
});

it('binds a leaf to chain, store, account and amount', () => {
  const payee = { account: felt(1), cumulative: 2n };
  const leaves = [payoutLeaf(CHAIN, STORE, payee), payoutLeaf(textFelt('SN_MAIN'), STORE, payee), payoutLeaf(CHAIN, felt(1), payee), payoutLeaf(CHAIN, STORE, { ...payee, account: felt(3) }), payoutLeaf(CHAIN, STORE, { ...payee, cumulative: 3n })];
  expect(new Set(leaves).size).toBe(leaves.length);
});

it('refuses an account that is there twice, and more payees than leaves', () => {
  const payee = { account: felt(1), cumulative: 2n };
  expect(() => payoutTree(CHAIN, STORE, [payee, payee], 4)).toThrow('twice');
  expect(() => payoutTree(CHAIN, STORE, [payee, { ...payee, account: felt(2) }, { ...payee, account: felt(3) }], 1)).toThrow('3 payees do not go into a tree of 1 levels');
  expect(() => payoutTree(CHAIN, STORE, [], 4)).toThrow('0 payees');
});
