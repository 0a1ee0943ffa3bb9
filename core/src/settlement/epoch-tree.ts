import { poseidonPair } from './hades.ts';

/** 2^20 payees are 4 MB of claims in calldata and 20 hashes a proof; a settlement contract takes a u32 of leaves. */
export const MAX_DEPTH = 20;

/**
 * A tree of fixed depth (SPEC X2): `levels[0]` its leaves, without the padding behind them, each next level half as many, and the
 * root in the last. What lies under padding alone is left out; `emptyNode` gives it.
 */
export interface EpochTree {
  readonly depth: number;
  readonly levels: readonly (readonly bigint[])[];
}

const empty: bigint[] = [0n];

/** Node over padding alone, `height` levels above the leaves: a leaf of padding is 0, and a node over two of them is not. */
export function emptyNode(height: number): bigint {
  while (empty.length <= height) empty.push(poseidonPair(empty.at(-1) as bigint, empty.at(-1) as bigint));
  return empty[height] as bigint;
}

/** Levels that `count` leaves need. */
export function depthOf(count: number): number {
  let depth = 0;
  while (2 ** depth < count) depth++;
  if (depth > MAX_DEPTH) throw new RangeError(`${count} leaves need a tree of depth ${depth}; at most ${MAX_DEPTH} is supported`);
  return depth;
}

/**
 * Tree over leaves. Nodes whose two children stand in the same place in `before` are taken from it and not hashed. `base`: level of
 * a larger tree that these leaves are the nodes of, when they are not leaves themselves (what pads them is that level's).
 */
export function growTree(leaves: readonly bigint[], options: { readonly depth?: number; readonly before?: EpochTree | undefined; readonly base?: number } = {}): EpochTree {
  const { depth = depthOf(leaves.length), before, base = 0 } = options;
  if (leaves.length > 2 ** depth) throw new RangeError(`${leaves.length} leaves in a tree of depth ${depth}`);
  const levels: (readonly bigint[])[] = [leaves];
  for (let height = 0; height < depth; height++) {
    const below = levels[height] as readonly bigint[];
    const [oldBelow, old] = [before?.levels[height], before?.levels[height + 1]];
    const nodes: bigint[] = [];
    for (let at = 0; at < below.length; at += 2) {
      const [left, right] = [below[at] as bigint, below[at + 1] ?? emptyNode(base + height)];
      const kept = old?.[at / 2];
      const same = kept !== undefined && oldBelow?.[at] === left && (oldBelow[at + 1] ?? emptyNode(base + height)) === right;
      nodes.push(same ? kept : poseidonPair(left, right));
    }
    levels.push(nodes);
  }
  return { depth, levels };
}

/** Root of a tree; of none, the root of padding alone. */
export const rootOf = ({ depth, levels }: EpochTree): bigint => levels[depth]?.[0] ?? emptyNode(depth);

/** Siblings on the way from leaf `index` to the root, lowest first (SPEC X2). */
export const proofOf = (tree: EpochTree, index: number): bigint[] => groupProof(tree, index, 0);

/**
 * Siblings on the way from a group's own node to the root: the group is the 2^`height` leaves from `first` on, a multiple of that
 * number (SPEC X3).
 */
export function groupProof({ depth, levels }: EpochTree, first: number, height: number): bigint[] {
  const count = levels[0]?.length ?? 0;
  if (!(Number.isInteger(first) && first >= 0 && first < count)) throw new RangeError(`leaf ${first} of a tree of ${count}`);
  if (!(Number.isInteger(height) && height >= 0 && height <= depth) || first % 2 ** height !== 0) throw new RangeError(`a group of 2^${height} leaves at ${first} in a tree of depth ${depth}`);
  const proof: bigint[] = [];
  for (let at = first / 2 ** height, level = height; level < depth; level++, at = at >>> 1) proof.push(levels[level]?.[at ^ 1] ?? emptyNode(level));
  return proof;
}

/** Root that a node and its proof lead to; `position`: the node's place in its own level. */
export function climb(node: bigint, position: number, proof: readonly bigint[]): bigint {
  return proof.reduce((hash, sibling, level) => ((position >>> level) & 1 ? poseidonPair(sibling, hash) : poseidonPair(hash, sibling)), node);
}
