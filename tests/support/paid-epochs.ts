import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { advanceTime } from '@ciro/contracts/chain/devnet.ts';
import { textFelt } from '@ciro/contracts/chain/felts.ts';
import { payoutTree } from '@ciro/contracts/chain/payout-tree.ts';
import { transferCall } from '@ciro/contracts/chain/plan.ts';
import { postEpoch } from '@ciro/contracts/chain/store-calls.ts';
import type { LocalChain } from '@ciro/contracts/chain/local-chain.ts';
import type { Payee, PayoutTree } from '@ciro/contracts/chain/payout-tree.ts';
import type { Receipt } from '@ciro/contracts/chain/starknet.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';

export interface PostedEpoch {
  readonly epoch: number;
  readonly tree: PayoutTree;
  readonly receipt: Receipt;
}

/** The settler of a local chain: funds the store and posts epochs, one after the other. */
export function settlerOf({ chain, plan, keysOf, devnet }: LocalChain) {
  const settler = new ChainAccount(chain, keysOf(plan.roles.settler));
  const { CommitmentStore: store, CiroToken: token } = plan.addresses;
  const chainId = textFelt(chain.chainId);
  let epoch = 0;
  let funded = 0n;
  return {
    settler,
    /** Funds what is owed and posts the next epoch. */
    async post(payees: readonly Payee[], depth: number): Promise<PostedEpoch> {
      const tree = payoutTree(chainId, store, payees, depth);
      if (tree.total > funded) {
        await settler.execute('fund the store', [transferCall(token, store, tree.total - funded)]);
        funded = tree.total;
      }
      epoch += 1;
      return { epoch, tree, receipt: await settler.execute(`post epoch ${epoch}`, [postEpoch(store, epoch, tree, textFelt('data'))]) };
    },
    /** Moves the chain's clock past the challenge window. */
    waitOutWindow: (): Promise<void> => advanceTime(devnet.rpc, plan.network.store.challengeWindow + 1),
    /** Balance of CIRO, or of another token. */
    async balanceOf(account: Felt, of: Felt = token): Promise<bigint> {
      const [low = '0x0', high = '0x0'] = await chain.view({ to: of, entrypoint: 'balance_of', calldata: [account] });
      return BigInt(low) + (BigInt(high) << 128n);
    },
  };
}
