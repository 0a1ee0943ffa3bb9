import { expect, it } from 'vitest';
import { chainText, failureOf, gasText, payableParts, shortAddress } from './earnings-text.ts';

const CIRO = 10n ** 18n;
const NOTHING: Parameters<typeof chainText>[0] = { chain: 'there', network: 'devnet', account: '0xacc', owed: 0n, onChain: 0n, step: undefined, failure: undefined, payouts: [] };
const PAYOUT = { epoch: 1, transaction: '0xabc', amount: 3n * CIRO, paymaster: 'p', sponsor: '0x5', gasPaidFri: 0n, sponsorPaidFri: 7n, milliseconds: 400, at: 0 };

it.each([
  ['nothing is known', { chain: 'unknown' }, ''],
  ['there is no chain', { chain: 'none' }, 'This coordinator pays on no chain: what you earn are credits in its ledger.'],
  ['a claim is under way', { step: 'block' }, 'Waiting for the block …'],
  ['something is owed', { owed: 2n * CIRO }, '2 CIRO can be claimed.'],
  ['something arrived', { payouts: [PAYOUT] }, '3 CIRO arrived at your account.'],
  ['it is tried again', { failure: { code: 'unreachable', message: 'm', again: true } }, 'That did not work; it is tried again in some seconds.'],
] as const)('says what happens when %s', (_what, part, text) => {
  expect(chainText({ ...NOTHING, ...part })).toBe(text);
});

it('tells a failure with what to do, unless it is tried again by itself', () => {
  expect(failureOf({ ...NOTHING, failure: { code: 'no-ticket', message: 'm', again: false } })).toEqual({ message: 'm', todo: expect.stringContaining('stays yours') });
  expect(failureOf({ ...NOTHING, failure: { code: 'wrong-proof', message: 'm', again: false } })?.todo).toContain('signed nothing');
  expect(failureOf({ ...NOTHING, failure: { code: 'unreachable', message: 'm', again: true } })).toBeUndefined();
  expect(failureOf(NOTHING)).toBeUndefined();
});

it('shows both ends of an address, and what gas cost', () => {
  expect(shortAddress('0x5b4b537eaa2399e3aa99c4e2e0208ebd6c71bc1467938cd52c798c601e43564')).toBe('0x5b4b53…e43564');
  expect(shortAddress('0xacc')).toBe('0xacc');
  expect([gasText(PAYOUT), gasText({ ...PAYOUT, gasPaidFri: CIRO })]).toEqual(['0', '1 STRK']);
});

it('M11: what trials earned stands apart from what the next payout brings', () => {
  expect(payableParts({ pending: 1n, payable: 9n, promotional: 4n, withheld: 0n })).toEqual({ next: 5n, promotional: 4n });
  expect(payableParts({ pending: 1n, payable: 9n, withheld: 0n })).toEqual({ next: 9n, promotional: 0n });
});
