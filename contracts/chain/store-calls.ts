/** Calls of the CommitmentStore. */
import { felt } from './felts.ts';
import type { Felt } from './felts.ts';
import type { PayoutTree } from './payout-tree.ts';
import type { Call } from './starknet.ts';

/** By the settler. `dataHash`: hash of the published leaves. */
export const postEpoch = (store: Felt, epoch: number, { root, total, payees, depth }: PayoutTree, dataHash: Felt): Call => ({
  to: store,
  entrypoint: 'post_epoch',
  calldata: [felt(epoch), root, felt(total), felt(payees.length), felt(depth), dataHash],
});

/** By anybody, for the payee at `index`. */
export function claim(store: Felt, epoch: number, tree: PayoutTree, index: number): Call {
  const payee = tree.payees[index];
  const proof = tree.proof(index);
  return { to: store, entrypoint: 'claim', calldata: [felt(epoch), felt(index), payee?.account ?? felt(0), felt(payee?.cumulative ?? 0n), felt(proof.length), ...proof] };
}

/** By anybody, for 2^`levels` payees from `first` on; who is not there is padding. */
export function claimGroup(store: Felt, epoch: number, tree: PayoutTree, first: number, levels: number): Call {
  const items = Array.from({ length: 2 ** levels }, (_, at) => tree.payees[first + at] ?? { account: felt(0), cumulative: 0n });
  const proof = tree.proof(first, levels);
  return {
    to: store,
    entrypoint: 'claim_group',
    calldata: [felt(epoch), felt(first), felt(items.length), ...items.flatMap(({ account, cumulative }) => [account, felt(cumulative)]), felt(proof.length), ...proof],
  };
}
