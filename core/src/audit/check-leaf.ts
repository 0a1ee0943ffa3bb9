import { leafHash } from '../commitment/leaf.ts';
import { merkleRoot, rootOfPath } from '../merkle/poseidon-tree.ts';
import type { LeafContext } from '../commitment/leaf.ts';
import type { UnitHashes } from '../commitment/unit-hashes.ts';
import type { Finding } from './transcript.ts';

/** Leaves that were found to give a root; made by `provenLeaves` once a stage, because the tree costs 0.5 ms a node. */
export interface ProvenLeaves {
  readonly root: string;
  readonly leaves: readonly string[];
}

/** What opens a unit's leaf: what it binds, its salt, and its place under the root that the worker signed (SPEC U3, T2). */
export interface LeafUnderAudit {
  readonly context: LeafContext;
  /** 16 bytes, hex. */
  readonly salt: string;
  /** Place among the stage's leaves: the first unit under its plan version has 0. */
  readonly index: number;
  readonly under: ProvenLeaves | { readonly root: string; readonly path: readonly string[] };
}

/** The leaves, if they are SHA-256 digests that give `root`; else undefined. */
export function provenLeaves(root: string, leaves: readonly string[]): ProvenLeaves | undefined {
  return leaves.every((leaf) => /^[0-9a-f]{64}$/.test(leaf)) && merkleRoot(leaves) === root ? { root, leaves } : undefined;
}

/** A finding when the unit's own leaf is not the one under the root (SPEC A5). Never throws, whatever the path holds. */
export function checkLeaf(unit: Omit<UnitHashes, 'linkHash'>, { context, salt, index, under }: LeafUnderAudit): Finding | null {
  const own = leafHash(context, { ...unit, linkHash: '' }, salt);
  const wrong = (got: string, expected: string): Finding => ({ unit: unit.unit, code: 'leaf', got, expected });
  if ('leaves' in under) {
    const committed = under.leaves[index];
    return committed === own ? null : wrong(committed ?? `no leaf ${index} of ${under.leaves.length}`, own);
  }
  const { root, path } = under;
  if (!path.every((sibling) => /^0x[0-9a-f]{1,64}$/.test(sibling)) || !(Number.isSafeInteger(index) && index >= 0 && index < 2 ** path.length)) return wrong(root, `a path of ${path.length} nodes for leaf ${index}`);
  let led: string;
  try {
    led = rootOfPath(own, index, path);
  } catch {
    return wrong(root, 'a path of field elements'); // a sibling beyond the field has no hash
  }
  return led === root ? null : wrong(root, led);
}
