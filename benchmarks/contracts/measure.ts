import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { felt } from '@ciro/contracts/chain/felts.ts';
import { transferCall } from '@ciro/contracts/chain/plan.ts';
import { deployAndExecuteSponsored, executeSponsored, executeSponsoredTyped, signOutside, workerAccount } from '@ciro/contracts/chain/sponsored.ts';
import { claim, claimGroup } from '@ciro/contracts/chain/store-calls.ts';
import { settlerOf } from '../../tests/support/paid-epochs.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { WorkerAccount } from '@ciro/contracts/chain/sponsored.ts';
import type { LocalChain } from '@ciro/contracts/chain/local-chain.ts';
import type { Payee } from '@ciro/contracts/chain/payout-tree.ts';
import type { Call, Receipt } from '@ciro/contracts/chain/starknet.ts';

/** One transaction. */
export interface GasRow {
  readonly what: string;
  readonly receipt: Receipt;
}

/** 4,096 leaves, as the bars have it. */
const DEPTH = 12;
const GROUP_LEVELS = 7;
export const GROUP = 2 ** GROUP_LEVELS;
/** Single claims come from the first group, the group is the second, two workers are the last. */
const PAYEES = 2 * GROUP + 2;
const AMOUNT = 1_000n;

/** Names of the rows that the bars are made of. */
export const ROW = {
  transferNew: 'transfer, new payee',
  transferSeen: 'transfer, seen payee',
  postFirst: 'post_epoch, the first',
  postLater: 'post_epoch, the second',
  claimNew: 'claim of 12 levels, new payee',
  claimSeen: 'claim of 12 levels, seen payee',
  claimRepeat: 'claim of 12 levels, repeated',
  groupNew: `claim_group(${GROUP}), new payees`,
  transfersNew: `multicall of ${GROUP} transfers, new payees`,
  groupSeen: `claim_group(${GROUP}), seen payees`,
  transfersSeen: `multicall of ${GROUP} transfers, seen payees`,
  groupRepeat: `claim_group(${GROUP}), repeated`,
  sponsoredFirst: 'sponsored: account deployed, first claim',
  sponsoredForeign: 'the same in the shape of AVNU\'s relayers, deployed by the universal deployer',
  sponsoredRegister: 'sponsored: account deployed, registered',
  sponsoredNext: 'sponsored: transfer of a deployed account',
} as const;

/** Runs every transaction of the report on a freshly deployed chain. Addresses and keys are fixed, so the same contracts take the same gas. */
export async function measureGas(local: LocalChain, say: (line: string) => void): Promise<GasRow[]> {
  const { chain, plan, keysOf } = local;
  const { CommitmentStore: store, CiroToken: token, Paymaster: paymaster } = plan.addresses;
  const { settler, post, waitOutWindow } = settlerOf(local);
  const relayer = new ChainAccount(chain, keysOf(plan.roles.relayer));
  const rows: GasRow[] = local.steps.flatMap(({ step, receipt }) => (receipt === undefined ? [] : [{ what: step, receipt }]));
  const keep = (what: string, receipt: Receipt): void => {
    rows.push({ what, receipt });
    say(`${what}: ${receipt.l2Gas.toLocaleString('en-US')} L2 gas`);
  };
  const run = async (what: string, from: ChainAccount, calls: readonly Call[]): Promise<void> => keep(what, await from.execute(what, calls));
  const [worker, foreign, registered] = [workerAccount(felt(0x77777)), workerAccount(felt(0x88888)), workerAccount(felt(0x99999))];
  const [workerAt, foreignAt] = [PAYEES - 1, PAYEES - 2];
  const account = (at: number): Felt => (at === workerAt ? worker.address : at === foreignAt ? foreign.address : felt(0x10_0000 + at));
  const earned = (epoch: bigint): Payee[] => Array.from({ length: PAYEES }, (_, at) => ({ account: account(at), cumulative: epoch * AMOUNT + BigInt(at) }));
  const transfers = Array.from({ length: GROUP }, (_, at) => transferCall(token, felt(0x20_0000 + at), AMOUNT));

  await run(ROW.transferNew, settler, [transferCall(token, felt(0x30_0000), AMOUNT)]);
  await run(ROW.transferSeen, settler, [transferCall(token, felt(0x30_0000), AMOUNT)]);

  const first = await post(earned(1n), DEPTH);
  keep(ROW.postFirst, first.receipt);
  await waitOutWindow();
  await run(ROW.claimNew, relayer, [claim(store, first.epoch, first.tree, 0)]);
  await run(ROW.groupNew, relayer, [claimGroup(store, first.epoch, first.tree, GROUP, GROUP_LEVELS)]);
  await run(ROW.transfersNew, settler, transfers);
  const sign = (by: WorkerAccount, calls: readonly Call[], nonce: number): Promise<Felt[]> => signOutside(chain, by, paymaster, calls, felt(nonce));
  const firstClaim = (by: WorkerAccount, at: number): Promise<Felt[]> => sign(by, [claim(store, first.epoch, first.tree, at)], 1);
  await run(ROW.sponsoredFirst, relayer, [deployAndExecuteSponsored(paymaster, worker, await firstClaim(worker, workerAt), 'bench')]);
  await run(ROW.sponsoredForeign, relayer, [foreign.deploy, executeSponsored(paymaster, foreign.address, await firstClaim(foreign, foreignAt), 'bench')]);
  const register: Call = { to: plan.addresses.CdcPool, entrypoint: 'register', calldata: [felt(0xcab), registered.address] };
  await run(ROW.sponsoredRegister, relayer, [deployAndExecuteSponsored(paymaster, registered, await sign(registered, [register], 1), 'bench')]);

  const second = await post(earned(2n), DEPTH);
  keep(ROW.postLater, second.receipt);
  await waitOutWindow();
  await run(ROW.claimSeen, relayer, [claim(store, second.epoch, second.tree, 0)]);
  await run(ROW.claimRepeat, relayer, [claim(store, second.epoch, second.tree, 0)]);
  await run(ROW.groupSeen, relayer, [claimGroup(store, second.epoch, second.tree, GROUP, GROUP_LEVELS)]);
  await run(ROW.transfersSeen, settler, transfers);
  await run(ROW.groupRepeat, relayer, [claimGroup(store, second.epoch, second.tree, GROUP, GROUP_LEVELS)]);
  await run(ROW.sponsoredNext, relayer, [executeSponsoredTyped(paymaster, worker.address, await sign(worker, [transferCall(token, felt(0x30_0000), 1n)], 2), 'bench')]);
  return rows;
}
