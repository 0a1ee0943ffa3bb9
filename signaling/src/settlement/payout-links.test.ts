import { expect, it } from 'vitest';
import { signPayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { verifyEpoch } from '@ciro/core/settlement/verify-epoch.ts';
import { signedChange } from './payout-links.fixture.ts';
import { SettledNetwork, WORKERS } from './settled-network.fixture.ts';
import type { SignedChange } from './link-ports.ts';
import type { PayoutLinkCode } from './link-error.ts';

const [OWN = '', OTHERS = ''] = WORKERS.map(({ account }) => account);
const KEY = WORKERS[0]?.key ?? '';
const [WALLET, NEXT_WALLET] = ['0xa11e7', '0xb0b'];
const DELAY_MS = 120_000;

const opened = (options = {}) => new SettledNetwork({ options: { payoutDelayMs: DELAY_MS, everyMs: 30_000, ...options } });
const ask = (network: SettledNetwork, signed: SignedChange) => network.settlement.links?.ask(signed);
const paidTo = async (network: SettledNetwork, ...accounts: readonly string[]) => network.chain.paidOf(accounts);

it('Y10: what was earned before a change stays with the account of before, and what comes after goes to the next', async () => {
  const network = opened();
  await network.earnPaid(10, 20);
  await network.run(6);
  expect(await ask(network, await signedChange(network, 0, WALLET))).toMatchObject({ account: OWN, waiting: { account: WALLET }, nonce: 2 });
  await network.earnPaid(5);
  await network.run(2);
  // The delay is not over: it is paid as before.
  await network.run(6);
  expect(await paidTo(network, OWN, WALLET)).toEqual([15n, 0n]);
  await network.earnPaid(7, 1);
  await network.run(8);
  expect(await paidTo(network, OWN, WALLET, OTHERS)).toEqual([15n, 7n, 21n]);
  expect(await network.settlement.links?.status(KEY)).toMatchObject({ account: WALLET, waiting: null, kept: new Map([[OWN, 15n]]) });
  expect((await network.ledger.earned()).get(WORKERS[0]?.node as never)).toEqual({ payable: 0n, settled: 22n, linked: new Map([[WALLET, 7n]]) });
  const [before, last] = [await network.settlement.epoch(2), await network.settlement.epoch(3)];
  expect(verifyEpoch(last, { before }).verdict).toBe('verified');
  expect(network.errors).toEqual([]);
});

it('Y10: back to the own account needs the identity alone, and both leaves go on from where they were', async () => {
  const network = opened();
  await ask(network, await signedChange(network, 0, WALLET));
  await network.run(5);
  await network.earnPaid(9);
  await network.run(6);
  await network.earnPaid(3);
  await network.run(6);
  expect(await paidTo(network, OWN, WALLET)).toEqual([0n, 12n]);
  await ask(network, { ...(await signedChange(network, 0, OWN)), walletSignature: null });
  await network.earnPaid(1);
  await network.run(6);
  await network.earnPaid(4);
  await network.run(6);
  expect(await paidTo(network, OWN, WALLET)).toEqual([4n, 13n]);
  expect(network.errors).toEqual([]);
});

it('Y9: a change that waits is called off by who is paid now, with the wallet or with the identity, and at once', async () => {
  const network = opened();
  await ask(network, await signedChange(network, 0, WALLET));
  await network.run(5);
  await network.earnPaid(1);
  await network.run(6);
  expect(await network.settlement.links?.status(KEY)).toMatchObject({ account: WALLET, waiting: null });
  // Whoever has the tab's key asks for another account; the linked wallet says no.
  await ask(network, await signedChange(network, 0, NEXT_WALLET));
  expect(await ask(network, { ...(await signedChange(network, 0, WALLET)), identitySignature: null })).toMatchObject({ account: WALLET, waiting: null });
  await ask(network, await signedChange(network, 0, OWN));
  expect(await ask(network, { ...(await signedChange(network, 0, WALLET)), walletSignature: null })).toMatchObject({ account: WALLET, waiting: null });
  await network.run(8);
  await network.earnPaid(2);
  await network.run(6);
  expect(await paidTo(network, OWN, WALLET, NEXT_WALLET)).toEqual([0n, 3n, 0n]);
});

it('Y9: a second change takes the place of one that waits, and waits anew', async () => {
  const network = opened();
  await ask(network, await signedChange(network, 0, WALLET));
  await network.run(3);
  const after = await ask(network, await signedChange(network, 0, NEXT_WALLET));
  expect(after?.waiting).toEqual({ account: NEXT_WALLET, from: network.clock.now() + DELAY_MS });
  await network.earnPaid(1);
  await network.run(3);
  expect((await network.settlement.links?.status(KEY))?.account).toBe(OWN);
});

const wrong: readonly (readonly [string, PayoutLinkCode, (network: SettledNetwork) => Promise<SignedChange>])[] = [
  ['another chain', 'wrong_chain', (network) => signedChange(network, 0, WALLET, { chainId: '0x1' })],
  ['another contract', 'wrong_chain', (network) => signedChange(network, 0, WALLET, { store: '0x1' })],
  ['an hour too old', 'expired', (network) => signedChange(network, 0, WALLET, { validUntil: Math.max(1, Math.floor(network.clock.now() / 1000) - 3_600) })],
  ['valid for a day', 'expired', (network) => signedChange(network, 0, WALLET, { validUntil: Math.floor(network.clock.now() / 1000) + 86_400 })],
  ['the change before', 'replayed', (network) => signedChange(network, 0, WALLET, { nonce: 1 })],
  ['one ahead', 'replayed', (network) => signedChange(network, 0, WALLET, { nonce: 3 })],
  ['no identity signature', 'identity_signature', async (network) => ({ ...(await signedChange(network, 0, WALLET)), identitySignature: null })],
  ['the signature of another change', 'identity_signature', async (network) => ({ ...(await signedChange(network, 0, WALLET)), identitySignature: (await signedChange(network, 0, NEXT_WALLET)).identitySignature })],
  ['the signature of another worker', 'identity_signature', async (network) => {
    const signed = await signedChange(network, 0, WALLET);
    return { ...signed, identitySignature: signPayoutChange(signed.change, '0x2') };
  }],
  ['garbage for a signature', 'identity_signature', async (network) => ({ ...(await signedChange(network, 0, WALLET)), identitySignature: 'f'.repeat(128) })],
  ['no wallet signature', 'wallet_signature', async (network) => ({ ...(await signedChange(network, 0, WALLET)), walletSignature: null })],
  ['the wallet alone, back to the own account', 'identity_signature', async (network) => ({ ...(await signedChange(network, 0, OWN)), identitySignature: null })],
];

it.each(wrong)('Y9: %s is refused as %s, and changes nothing', async (_what, code, make) => {
  const network = opened();
  // Far from 1970, where an hour ago is a time.
  network.clock.advance(100_000_000);
  await ask(network, await signedChange(network, 0, NEXT_WALLET));
  const before = await network.settlement.links?.status(KEY);
  await expect(make(network).then((signed) => ask(network, signed))).rejects.toMatchObject({ name: 'PayoutLinkError', code });
  expect(await network.settlement.links?.status(KEY)).toEqual(before);
});

it.each([['invalid', 'wallet_signature'], ['absent', 'account_not_deployed'], ['foreign', 'not_an_account']] as const)('Y9: an account that the chain says is %s is refused as %s', async (said, code) => {
  const network = opened();
  network.said = said;
  await expect(ask(network, await signedChange(network, 0, WALLET))).rejects.toMatchObject({ code });
  expect(await network.settlement.links?.status(KEY)).toMatchObject({ waiting: null, nonce: 1 });
});

it('M10: a correction is taken at the account that is paid now, and refused where less is owed there', async () => {
  const network = opened({ pushFrom: 1_000n });
  await network.earnPaid(10);
  await network.run(6);
  await ask(network, await signedChange(network, 0, WALLET));
  await network.run(6);
  await network.earnPaid(8);
  await network.run(6);
  await network.earnPaid(4);
  await network.run(6);
  const worker = WORKERS[0]?.node as never;
  await expect(network.settlement.correct('too much', worker, 20n)).rejects.toMatchObject({ code: 'overdrawn' });
  await network.settlement.correct('case 9', worker, 3n);
  await network.run(6);
  const newest = (await network.settlement.epochs(1))[0]?.summary.epoch ?? 0;
  expect((await network.settlement.epoch(newest))?.corrections).toEqual([{ account: WALLET, by: '3', name: 'case 9' }]);
  expect(network.errors).toEqual([]);
});
