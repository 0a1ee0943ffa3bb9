import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { felt } from '@ciro/contracts/chain/felts.ts';
import { transferCall } from '@ciro/contracts/chain/plan.ts';
import { executeSponsored, signOutside, workerAccount } from '@ciro/contracts/chain/sponsored.ts';
import { claim } from '@ciro/contracts/chain/store-calls.ts';
import { chainForFile } from '../support/open-chain.ts';
import { settlerOf } from '../support/paid-epochs.ts';

const file = chainForFile();
beforeAll(() => file.open());
beforeEach((context) => file.skipWithout(context));
afterAll(() => file.close());

it('a worker without any STRK claims its first payout itself, and its account comes with it', async () => {
  const { chain, plan, keysOf } = file.local;
  const { post, waitOutWindow, balanceOf } = settlerOf(file.local);
  const relayer = new ChainAccount(chain, keysOf(plan.roles.relayer));
  const { CommitmentStore: store, Paymaster: paymaster, CiroToken: token } = plan.addresses;
  const worker = workerAccount(felt(0x1234567));
  const stake = plan.network.tokens.stake;

  const { epoch, tree } = await post([{ account: worker.address, cumulative: 5_000n }], 3);
  await waitOutWindow();
  expect(await chain.classHashAt(worker.address)).toBeUndefined();
  const outside = await signOutside(chain, worker, paymaster, [claim(store, epoch, tree, 0)], felt(1));
  await relayer.execute('a first payout', [worker.deploy, executeSponsored(paymaster, worker.address, outside, 'test')]);
  expect(await balanceOf(worker.address)).toBe(5_000n);
  expect(await balanceOf(worker.address, stake)).toBe(0n);

  // The account is there now: the next action is one call, and what was signed counts once.
  const next = await signOutside(chain, worker, paymaster, [transferCall(token, felt(0xdef1), 123n)], felt(2));
  await relayer.execute('a sponsored transfer', [executeSponsored(paymaster, worker.address, next, 'test')]);
  expect(await balanceOf(felt(0xdef1))).toBe(123n);
  await expect(relayer.execute('a replay', [executeSponsored(paymaster, worker.address, next, 'test')])).rejects.toMatchObject({ code: 'reverted', fields: { reason: 'SRC9: duplicated nonce' } });

  const foreign = await signOutside(chain, worker, paymaster, [transferCall(stake, felt(0xdef1), 1n)], felt(3));
  await expect(relayer.execute('a call off the list', [executeSponsored(paymaster, worker.address, foreign, 'test')])).rejects.toMatchObject({ fields: { reason: 'CIRO-PM: call not allowed' } });
  const stranger = new ChainAccount(chain, keysOf(plan.roles.settler));
  const fourth = await signOutside(chain, worker, paymaster, [transferCall(token, felt(0xdef1), 1n)], felt(4));
  await expect(stranger.execute('no relayer', [executeSponsored(paymaster, worker.address, fourth, 'test')])).rejects.toMatchObject({ fields: { reason: 'CIRO-AC: missing role' } });
  expect(await balanceOf(worker.address, stake)).toBe(0n);
  expect(await balanceOf(worker.address)).toBe(4_877n);
});
