/** The tree under an epoch of the CommitmentStore (core's, SPEC X1 to X3), with its payees and in felts. */
import { groupProof, growTree, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import { ChainError } from './chain-error.ts';
import { felt } from './felts.ts';
import type { Felt } from './felts.ts';

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

export const payoutLeaf = (chainId: Felt, store: Felt, { account, cumulative }: Payee): Felt => felt(leafHasher({ chainId, store })(BigInt(account), cumulative));

/** Hashes a tree of `depth` levels. @throws ChainError `refused` for more payees than leaves, or one that is in it twice */
export function payoutTree(chainId: Felt, store: Felt, payees: readonly Payee[], depth: number): PayoutTree {
  if (depth > MOST_LEVELS || payees.length > 2 ** depth || payees.length === 0) throw new ChainError('refused', `${payees.length} payees do not go into a tree of ${depth} levels`, { fault: 'bug' });
  if (new Set(payees.map(({ account }) => account)).size !== payees.length) throw new ChainError('refused', 'An account is among the payees twice: its two leaves would pay the difference only.', { fault: 'bug' });
  const leafOf = leafHasher({ chainId, store });
  const tree = growTree(payees.map(({ account, cumulative }) => leafOf(BigInt(account), cumulative)), { depth });
  return {
    payees,
    depth,
    root: felt(rootOf(tree)),
    total: payees.reduce((sum, { cumulative }) => sum + cumulative, 0n),
    proof: (index, levels = 0) => groupProof(tree, index, levels).map((node) => felt(node)),
  };
}
