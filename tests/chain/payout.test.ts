import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { felt, textFelt } from '@ciro/contracts/chain/felts.ts';
import { payoutLeaf } from '@ciro/contracts/chain/payout-tree.ts';
import { claim, claimGroup } from '@ciro/contracts/chain/store-calls.ts';
import { chainForFile } from '../support/open-chain.ts';
import { settlerOf } from '../support/paid-epochs.ts';

const file = chainForFile();
beforeAll(() => file.open());
beforeEach((context) => file.skipWithout(context));
afterAll(() => file.close());

const payee = (at: number, cumulative: bigint) => ({ account: felt(0xabc000 + at), cumulative });

it('posts, waits out the window, pays to the unit, pays nothing twice, and only the difference later', async () => {
  const { chain, plan, keysOf } = file.local;
  const { post, waitOutWindow, balanceOf } = settlerOf(file.local);
  const anybody = new ChainAccount(chain, keysOf(plan.roles.relayer));
  const store = plan.addresses.CommitmentStore;
  const first = Array.from({ length: 5 }, (_, at) => payee(at, 100n + BigInt(at)));
  const one = await post(first, 4);

  const [payeeOne] = first;
  if (payeeOne === undefined) throw new Error('five payees');
  const [onChain] = await chain.view({ to: store, entrypoint: 'leaf', calldata: [payeeOne.account, felt(payeeOne.cumulative)] });
  expect(onChain).toBe(payoutLeaf(textFelt(chain.chainId), store, payeeOne));

  await expect(anybody.execute('an early claim', [claim(store, one.epoch, one.tree, 0)])).rejects.toMatchObject({ code: 'reverted', fields: { reason: 'CIRO-CS: not claimable yet' } });
  await waitOutWindow();
  await anybody.execute('a claim', [claim(store, one.epoch, one.tree, 0)]);
  await anybody.execute('the same claim', [claim(store, one.epoch, one.tree, 0)]);
  expect(await balanceOf(payeeOne.account)).toBe(100n);

  const forged = { ...one.tree, payees: first.map((each) => ({ ...each, cumulative: 1_000n })) };
  await expect(anybody.execute('a forged claim', [claim(store, one.epoch, forged, 1)])).rejects.toMatchObject({ fields: { reason: 'CIRO-CS: bad proof' } });

  await anybody.execute('a group', [claimGroup(store, one.epoch, one.tree, 0, 3)]);
  for (const { account, cumulative } of first) expect(await balanceOf(account)).toBe(cumulative);

  const second = first.map(({ account, cumulative }) => ({ account, cumulative: cumulative + 7n }));
  const two = await post(second, 4);
  await waitOutWindow();
  await anybody.execute('the second epoch', [claimGroup(store, two.epoch, two.tree, 0, 3)]);
  for (const { account, cumulative } of second) expect(await balanceOf(account)).toBe(cumulative);
  expect(await chain.view({ to: store, entrypoint: 'paid_total', calldata: [] })).toEqual([felt(two.tree.total)]);
  expect(await balanceOf(store)).toBe(0n);
});
