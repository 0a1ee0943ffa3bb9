import { expect, it } from 'vitest';
import { delayText, keptText, paidText, waitingText } from './payout-text.ts';

const format = (at: number): string => `t${at}`;
const [OWN, WALLET] = ['0x1', '0xa11e7'];

it('says who is paid, what waits until when, what stays, and how long a change waits', () => {
  expect(paidText({ account: OWN, since: null, own_account: OWN }, format)).toBe('This browser\'s own account is paid.');
  expect(paidText({ account: WALLET, since: 5, own_account: OWN }, format)).toBe('Your wallet 0xa11e7 is paid since t5.');
  expect(waitingText({ waiting: null, account: OWN, own_account: OWN }, 1, format)).toBe('');
  expect(waitingText({ waiting: { account: WALLET, from: 9 }, account: OWN, own_account: OWN }, 1, format)).toContain('after t9 on, further earnings go to 0xa11e7. Until then this browser\'s own account is paid.');
  expect(waitingText({ waiting: { account: OWN, from: 9 }, account: WALLET, own_account: OWN }, 10, format)).toMatch(/^From the next payout on, further earnings go to this browser's own account/);
  expect(keptText({ kept: [{ account: OWN, credits: 2n * 10n ** 18n }, { account: WALLET, credits: 0n }], own_account: OWN })).toEqual(['2 earned before belong to this browser\'s own account, paid or not.']);
  expect([delayText(60), delayText(172_800)]).toEqual([expect.stringContaining('60 seconds'), expect.stringContaining('48 hours')]);
});
