import { expect, it } from 'vitest';
import { stakeCost, stakeText } from './stake-text.ts';
import type { StakeStatus } from '../../participant/payout-face.ts';

const STRK = 10n ** 18n;
const place = (part: Partial<StakeStatus>): StakeStatus => ({ state: 'none', tier: 'unknown', active: true, stake: 0n, cooling: 0n, readyAt: 0, bond: 0n, minStake: 100n * STRK, coolDown: 604_800, funds: 3n * STRK, account: '0xacc', slashed: 0n, ...part });

it.each([
  [place({ active: false }), 'Not registered in the pool.'],
  [place({ state: 'registered' }), 'Registered, with 0 STRK staked; 100 count as a stake.'],
  [place({ state: 'staked', stake: 120n * STRK }), 'Staked: 120 STRK.'],
  [place({ state: 'cooling', cooling: 5n * STRK, readyAt: 7 }), '5 STRK are leaving and may be withdrawn after t7000; until then they can still be slashed.'],
  [place({ state: 'ready', cooling: 5n * STRK }), '5 STRK have cooled and may be withdrawn.'],
  [place({ state: 'staked', stake: STRK, active: false, slashed: 2n * STRK }), 'Staked: 1 STRK. Inactive: the pool has not heard of this worker for a while, which takes nothing. The court has slashed 2 STRK of it.'],
])('says where a worker stands: %o', (status, text) => {
  expect(stakeText(status, (at) => `t${at}`)).toBe(text);
});

it('says what the next step costs and risks', () => {
  expect(stakeCost(place({}))).toContain('stakes nothing and costs nothing');
  expect(stakeCost(place({ state: 'registered' }))).toContain('send at least 100 STRK to 0xacc (it holds 3)');
  expect(stakeCost(place({ state: 'staked' }))).toContain('it takes 7 days');
});
