import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { advanceTime } from '@ciro/contracts/chain/devnet.ts';
import { felt, textFelt } from '@ciro/contracts/chain/felts.ts';
import { transferCall } from '@ciro/contracts/chain/plan.ts';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { signPayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { openPayoutFace } from '@ciro/web/participant/payout-face.ts';
import { claimingTab } from '../support/claiming-tab.ts';
import { chainForFile } from '../support/open-chain.ts';
import { settledChain, windowWithWallet } from '../support/payout-account.ts';
import { serveSponsored } from '../support/sponsored-chain.ts';

const CHAIN_TIMEOUT_MS = 300_000;
const STRK = 10n ** 18n;
/** Longer than the challenge window, seconds. */
const WINDOW_S = 61;
/** Key of the one worker that the settled ledger has. */
const SECRET = '0x4d';

const file = chainForFile();
beforeAll(() => file.open(), CHAIN_TIMEOUT_MS);
beforeEach((context) => file.skipWithout(context));
afterAll(() => file.close());

it('Y9, Y10: a worker links an account of the chain by its wallet, and what it earns from then on arrives there; what it earned before is its own account\'s', { timeout: CHAIN_TIMEOUT_MS }, async () => {
  const { chain, plan, devnet, keysOf } = file.local;
  const chainId = textFelt(chain.chainId);
  await using settled = await settledChain(file.local, chainId, { payoutDelayMs: 0 });
  const { ledger, balanceOf } = settled;
  const key = ledger.payees[0]?.key ?? '';
  const own = felt(payoutAddress(key));
  const wallet = keysOf(plan.roles.relayer);
  const ports = { base: 'http://coordinator.test/', fetch: settled.fetch, identityPublicKey: key, own, sign: async (change: Parameters<typeof signPayoutChange>[0]) => signPayoutChange(change, SECRET), now: Date.now, stake: {} as never };
  const looks = async (count: number): Promise<void> => {
    for (let look = 0; look < count; look++) {
      await ledger.settlement.step();
      await advanceTime(devnet.rpc, WINDOW_S);
    }
  };
  await new ChainAccount(chain, keysOf(plan.roles.settler)).execute('fund the store', [transferCall(plan.addresses.CiroToken, plan.addresses.CommitmentStore, 100n)]);
  await ledger.earn([30n]);
  await looks(3);
  expect(await balanceOf(own)).toBe(30n);

  // What says no, or is no account that can be asked, changes nothing.
  const address = felt(wallet.address);
  const wrong: readonly (readonly [Record<string, unknown>, object])[] = [
    [{ wallet_requestChainId: '0x534e5f4d41494e' }, { code: 'wrong_chain' }],
    [{ wallet_signTypedData: ['0x1', '0x2'] }, { fields: { code: 'wallet_signature' } }],
    [{ wallet_requestAccounts: ['0xdead'] }, { fields: { code: 'account_not_deployed' } }],
    [{ wallet_requestAccounts: [plan.addresses.CiroToken] }, { fields: { code: 'not_an_account' } }],
    [{ wallet_requestAccounts: [keysOf(plan.roles.settler).address] }, { fields: { code: 'wallet_signature' } }],
  ];
  for (const [says, error] of wrong) await expect(openPayoutFace(ports, windowWithWallet(wallet, chainId, says)).link('account')).rejects.toMatchObject(error);

  const face = openPayoutFace(ports, windowWithWallet(wallet, chainId));
  expect(face.wallets()).toMatchObject([{ id: 'account' }]);
  expect(await face.link('account')).toMatchObject({ account: own, waiting: { account: address }, next_change: 2 });
  const before = await balanceOf(address);
  await ledger.earn([5n]);
  await looks(3);
  await ledger.earn([7n]);
  await looks(4);
  expect(await face.look()).toMatchObject({ account: address, waiting: null, kept: [{ account: own, credits: 35n }] });
  expect([await balanceOf(own), (await balanceOf(address)) - before]).toEqual([35n, 7n]);
  expect(ledger.errors).toEqual([]);
});

it('Q6: a worker without STRK for gas registers, stakes, begins to leave and withdraws by its page, sponsored', { timeout: CHAIN_TIMEOUT_MS }, async () => {
  const { chain, plan, devnet, keysOf } = file.local;
  await using served = await serveSponsored(file.local, []);
  const tab = await claimingTab(served.base, (account) => served.relayer.issueTicket(account));
  const { stake } = await tab.desk.openPayout();
  expect(await stake.look()).toMatchObject({ state: 'none', minStake: 100n * STRK, funds: 0n });
  expect(await stake.register()).toMatchObject({ state: 'registered', tier: 'newcomer', active: true });
  await expect(stake.stake(100n * STRK)).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('send') });
  await expect(stake.register()).rejects.toMatchObject({ name: 'ClaimError' });
  const settler = new ChainAccount(chain, keysOf(plan.roles.settler));
  await settler.execute('STRK to stake', [transferCall(plan.network.tokens.stake, felt(tab.account), 100n * STRK)]);
  expect(await stake.stake(100n * STRK)).toMatchObject({ state: 'staked', stake: 100n * STRK, funds: 0n });
  const leaving = await stake.leave();
  expect(leaving).toMatchObject({ state: 'cooling', stake: 0n, cooling: 100n * STRK });
  await expect(stake.withdraw()).rejects.toMatchObject({ name: 'ClaimError' });
  await advanceTime(devnet.rpc, leaving.coolDown + 1);
  // Every STRK is back: no action took any for gas.
  expect(await stake.withdraw()).toMatchObject({ state: 'registered', cooling: 0n, funds: 100n * STRK });
});
