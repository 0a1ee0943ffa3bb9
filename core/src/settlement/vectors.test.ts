import { readFileSync } from 'node:fs';
import { poseidonHash, poseidonHashMany, poseidonSmall } from '@scure/starknet';
import fc from 'fast-check';
import { hash } from 'starknet';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { identityPublicKey } from '../identity/identity.ts';
import { climb, growTree, proofOf, rootOf } from './epoch-tree.ts';
import { draftEpoch, hex, leavesOf, MAX_U128 } from './epoch.ts';
import { FIELD_PRIME, hades, poseidonPair } from './hades.ts';
import { leafHasher } from './leaf.ts';
import { ACCOUNT_CLASS_HASH, payoutAddress } from './payout-address.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`settlement vectors: seed ${seed}`);

const Case = v.object({
  chain_id: v.string(),
  store: v.string(),
  payees: v.array(v.object({ account: v.string(), cumulative: v.string() })),
  depth: v.number(),
  leaves: v.array(v.string()),
  root: v.string(),
  proofs: v.array(v.array(v.string())),
});
const Vectors = v.object({ cases: v.array(Case), addresses: v.array(v.object({ public_key: v.string(), address: v.string() })) });
const vectors = v.parse(Vectors, JSON.parse(readFileSync(new URL('../../vectors/settlement.json', import.meta.url), 'utf8')));

const felt = fc.oneof(fc.bigInt(0n, FIELD_PRIME - 1n), fc.constantFrom(0n, 1n, FIELD_PRIME - 1n));

it('X1, X2: leaves, roots and proofs are those that starknet.js gives', () => {
  for (const { chain_id: chainId, store, payees, depth, leaves, root, proofs } of vectors.cases) {
    const draft = draftEpoch({ network: 'n', chainId, store, epoch: 1, payees: payees.map(({ account, cumulative }) => ({ account, cumulative: BigInt(cumulative) })) });
    const tree = growTree(leavesOf(draft), { depth: draft.depth });
    expect(draft.depth).toBe(depth);
    expect(tree.levels[0]?.map(hex)).toEqual(leaves);
    expect(hex(rootOf(tree))).toBe(root);
    for (const [index, proof] of proofs.entries()) {
      expect(proofOf(tree, index).map(hex)).toEqual(proof);
      expect(hex(climb(BigInt(leaves[index] ?? 0), index, proof.map(BigInt)))).toBe(root);
    }
  }
});

it('X1: the permutation, a pair and a leaf are those of the library, for any elements', () => {
  fc.assert(
    fc.property(felt, felt, felt, fc.bigInt(0n, MAX_U128), (a, b, c, cumulative) => {
      expect(hades(a, b, c)).toEqual(poseidonSmall([a, b, c]));
      expect(poseidonPair(a, b)).toBe(poseidonHash(a, b));
      expect(leafHasher({ chainId: hex(a), store: hex(b) })(c, cumulative)).toBe(poseidonHashMany([0x4349524f2e6c6561662e7632n, a, b, c, cumulative]));
    }),
    { seed, numRuns: 100 },
  );
});

it('X6: a payout address is the one that starknet.js gives', () => {
  for (const { public_key: key, address } of vectors.addresses) expect(payoutAddress(key)).toBe(address);
  fc.assert(
    fc.property(fc.bigInt(1n, 2n ** 250n), (secret) => {
      const key = identityPublicKey(hex(secret));
      expect(BigInt(payoutAddress(key))).toBe(BigInt(hash.calculateContractAddressFromHash(key, ACCOUNT_CLASS_HASH, [key], 0)));
    }),
    { seed, numRuns: 5 },
  );
});
