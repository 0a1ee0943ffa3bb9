/** The tree under an epoch of the CommitmentStore, as merkle.cairo folds it: leaves bound to chain and store, nodes in index order, padding 0. */
import { ChainError } from './chain-error.ts';
import { felt, poseidonOf, poseidonPair, textFelt } from './felts.ts';
import type { Felt } from './felts.ts';

const LEAF_TAG = textFelt('CIRO.leaf.v2');
const PADDING = felt(0);
/** As limits of the store. */
const MOST_LEVELS = 32;

/** What somebody earned in all so far, in base units. */
export interface Payee {
  readonly account: Felt;
  readonly cumulative: bigint;
}

export interface PayoutTree {
  readonly payees: readonly Payee[];
  readonly root: Felt;
  readonly depth: number;
  /** Sum of all cumulatives. */
  readonly total: bigint;
  /** Siblings from the node above 2^`levels` leaves at `index` up to the root; of one leaf with 0. */
  proof(index: number, levels?: number): Felt[];
}

export const payoutLeaf = (chainId: Felt, store: Felt, { account, cumulative }: Payee): Felt => poseidonOf([LEAF_TAG, chainId, store, account, felt(cumulative)]);

/** Hashes a tree of `depth` levels. @throws ChainError `refused` for more payees than leaves, or one that is in it twice */
export function payoutTree(chainId: Felt, store: Felt, payees: readonly Payee[], depth: number): PayoutTree {
  if (depth > MOST_LEVELS || payees.length > 2 ** depth || payees.length === 0) throw new ChainError('refused', `${payees.length} payees do not go into a tree of ${depth} levels`, { fault: 'bug' });
  if (new Set(payees.map(({ account }) => account)).size !== payees.length) throw new ChainError('refused', 'An account is among the payees twice: its two leaves would pay the difference only.', { fault: 'bug' });
  const layers: Felt[][] = [payees.map((payee) => payoutLeaf(chainId, store, payee))];
  const empty: Felt[] = [PADDING];
  for (let level = 0; level < depth; level++) {
    const [below = [], nothing = PADDING] = [layers[level], empty[level]];
    layers.push(Array.from({ length: Math.ceil(below.length / 2) }, (_, at) => poseidonPair(below[2 * at] ?? nothing, below[2 * at + 1] ?? nothing)));
    empty.push(poseidonPair(nothing, nothing));
  }
  return {
    payees,
    depth,
    root: layers[depth]?.[0] ?? PADDING,
    total: payees.reduce((sum, { cumulative }) => sum + cumulative, 0n),
    proof: (index, levels = 0) => Array.from({ length: depth - levels }, (_, up) => layers[levels + up]?.[Math.floor(index / 2 ** (levels + up)) ^ 1] ?? empty[levels + up] ?? PADDING),
  };
}
