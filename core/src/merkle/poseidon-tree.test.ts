import { poseidonHash, poseidonHashMany } from '@scure/starknet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestFelt, merklePath, merkleRoot, rootOfPath } from './poseidon-tree.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`poseidon tree: seed ${seed}`);

const hash = (value: number): string => value.toString(16).padStart(2, '0').repeat(32);
const felt = (value: bigint): string => `0x${value.toString(16)}`;
/** A digest is 64 hex digits; few distinct ones are enough, the tree does not look inside. */
const digests = fc.array(fc.integer({ min: 0, max: 255 }).map(hash), { minLength: 1, maxLength: 9 });

test('T1: the library agrees with published vectors of Starknet Poseidon', () => {
  // One pair of the starknet-rs crypto tests; the list 0..24 of the starknet.dart tests.
  expect(poseidonHash(0xb662f9017fa7956fd70e26129b1833e10ad000fd37b4d9f4e0ce6884b7bben, 0x1fe356bf76102cdae1bfbdc173602ead228b12904c00dad9cf16e035468bean)).toBe(
    0x75540825a6ecc5dc7d7c2f5f868164182742227f1367d66c43ee51ec7937a81n,
  );
  expect(poseidonHashMany(Array.from({ length: 24 }, (_, index) => BigInt(index)))).toBe(2800526046406372876670877767246181706986966856687646706671678894003401414331n);
});

test('T1: a digest becomes Poseidon of its two halves, high half first', () => {
  const digest = '00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100';
  expect(digestFelt(digest)).toBe(poseidonHashMany([0x00112233445566778899aabbccddeeffn, 0xffeeddccbbaa99887766554433221100n]));
});

test('T2: a tree of none, one, two and three leaves', () => {
  const [a, b, c] = [hash(1), hash(2), hash(3)].map(digestFelt) as [bigint, bigint, bigint];
  expect(merkleRoot([])).toBe('0x0');
  expect(merkleRoot([hash(1)])).toBe(felt(a));
  expect(merkleRoot([hash(1), hash(2)])).toBe(felt(poseidonHash(a, b)));
  expect(merkleRoot([hash(1), hash(2), hash(3)])).toBe(felt(poseidonHash(poseidonHash(a, b), poseidonHash(c, 0n))));
});

test('T2: every leaf has a path to the root, and the path of another leaf leads elsewhere', () => {
  fc.assert(
    fc.property(digests, fc.nat(), (hashes, pick) => {
      const index = pick % hashes.length;
      const leaf = hashes[index] ?? '';
      const path = merklePath(hashes, index);
      expect(path).toHaveLength(Math.ceil(Math.log2(hashes.length)));
      expect(rootOfPath(leaf, index, path)).toBe(merkleRoot(hashes));
      const other = leaf === hash(7) ? hash(8) : hash(7);
      expect(rootOfPath(other, index, path)).not.toBe(merkleRoot(hashes));
    }),
    { seed, numRuns: 60 },
  );
});

test('T2: the order of leaves matters, and a leaf more is another root', () => {
  expect(merkleRoot([hash(1), hash(2)])).not.toBe(merkleRoot([hash(2), hash(1)]));
  expect(merkleRoot([hash(1), hash(2), hash(3), hash(3)])).not.toBe(merkleRoot([hash(1), hash(2), hash(3)]));
});

test('T2: a path to a leaf that is not there is refused', () => {
  expect(() => merklePath([hash(1)], 1)).toThrow('leaf 1 of a tree of 1');
  expect(() => merklePath([hash(1)], -1)).toThrow(RangeError);
});
