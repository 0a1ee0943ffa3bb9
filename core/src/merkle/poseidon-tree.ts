import { poseidonHash, poseidonHashMany } from '@scure/starknet';
import { fromHex } from '../bytes.ts';

/** A Stark field element of a SHA-256 digest: Poseidon of its two 128-bit halves, high half first (SPEC T1). */
export function digestFelt(hash: string): bigint {
  const bytes = fromHex(hash);
  const half = (from: number): bigint => bytes.subarray(from, from + 16).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return poseidonHashMany([half(0), half(16)]);
}

/**
 * Root of a binary Poseidon tree over digests in order (SPEC T2): leaves are `digestFelt`, a node is Poseidon(left, right),
 * an odd node is paired with 0. A tree of no leaves has root 0. About 0.5 ms a node: off the token path.
 */
export function merkleRoot(hashes: readonly string[]): string {
  let level = hashes.map(digestFelt);
  while (level.length > 1) {
    const next: bigint[] = [];
    for (let i = 0; i < level.length; i += 2) next.push(poseidonHash(level[i] as bigint, level[i + 1] ?? 0n));
    level = next;
  }
  return `0x${(level[0] ?? 0n).toString(16)}`;
}

/** Siblings from leaf `index` to the root, lowest first; 0x0 where an odd node had none. */
export function merklePath(hashes: readonly string[], index: number): string[] {
  if (!(Number.isInteger(index) && index >= 0 && index < hashes.length)) throw new RangeError(`leaf ${index} of a tree of ${hashes.length}`);
  const path: string[] = [];
  let level = hashes.map(digestFelt);
  for (let at = index; level.length > 1; at >>= 1) {
    path.push(`0x${(level[at ^ 1] ?? 0n).toString(16)}`);
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => poseidonHash(level[2 * i] as bigint, level[2 * i + 1] ?? 0n));
  }
  return path;
}

/** Root that a leaf and its path lead to. */
export function rootOfPath(hash: string, index: number, path: readonly string[]): string {
  let node = digestFelt(hash);
  path.forEach((sibling, depth) => {
    node = (index >> depth) & 1 ? poseidonHash(BigInt(sibling), node) : poseidonHash(node, BigInt(sibling));
  });
  return `0x${node.toString(16)}`;
}
