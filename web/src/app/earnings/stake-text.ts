import { formatAmount } from '../figures.ts';
import { shortAddress } from './earnings-text.ts';
import type { StakeStatus } from '../../participant/payout-face.ts';

const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** Where this worker stands in the pool, in one line or two. */
export function stakeText({ state, stake, cooling, readyAt, minStake, active, slashed }: StakeStatus, format = (at: number): string => when.format(at)): string {
  const lines = {
    none: 'Not registered in the pool.',
    registered: `Registered, with ${formatAmount(stake)} STRK staked; ${formatAmount(minStake)} count as a stake.`,
    staked: `Staked: ${formatAmount(stake)} STRK.`,
    cooling: `${formatAmount(cooling)} STRK are leaving and may be withdrawn after ${format(readyAt * 1000)}; until then they can still be slashed.`,
    ready: `${formatAmount(cooling)} STRK have cooled and may be withdrawn.`,
  };
  const inactive = state === 'none' || active ? '' : ' Inactive: the pool has not heard of this worker for a while, which takes nothing.';
  return `${lines[state]}${inactive}${slashed > 0n ? ` The court has slashed ${formatAmount(slashed)} STRK of it.` : ''}`;
}

/** What the next step costs, and risks. */
export function stakeCost({ state, minStake, coolDown, funds, account }: StakeStatus): string {
  const days = coolDown >= 172_800 ? `${Math.round(coolDown / 86_400)} days` : coolDown >= 7_200 ? `${Math.round(coolDown / 3_600)} hours` : `${Math.round(coolDown / 60)} minutes`;
  if (state === 'none') return 'You need none of this to be paid. Registering stakes nothing and costs nothing: the coordinator pays the gas.';
  if (state === 'registered') return `To stake, send at least ${formatAmount(minStake)} STRK to ${shortAddress(account)} (it holds ${formatAmount(funds)}). A court case that you lose takes at most half of it for one job. Leaving takes ${days}. Gas: 0.`;
  if (state === 'staked') return `A court case that you lose takes at most half of it for one job. If you begin to leave now, it takes ${days}, whatever the pool changes later. Gas: 0.`;
  return 'Withdrawn stake goes to this browser\'s own account. Gas: 0.';
}
