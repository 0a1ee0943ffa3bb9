import { formatAmount } from '../figures.ts';
import { shortAddress } from './earnings-text.ts';
import type { PayoutStatus } from '../../participant/payout-face.ts';

const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const nameOf = (account: string, own: string): string => (account === own ? 'this browser\'s own account' : shortAddress(account));

/** Which account is paid, and since when. */
export function paidText({ account, since, own_account: own }: Pick<PayoutStatus, 'account' | 'since' | 'own_account'>, format = (at: number): string => when.format(at)): string {
  const held = since === null ? '' : ` since ${format(since)}`;
  return `${account === own ? 'This browser\'s own account is' : `Your wallet ${shortAddress(account)} is`} paid${held}.`;
}

/** What waits, and until when; empty when nothing does. */
export function waitingText({ waiting, own_account: own, account }: Pick<PayoutStatus, 'waiting' | 'own_account' | 'account'>, now: number, format = (at: number): string => when.format(at)): string {
  if (waiting === null) return '';
  const from = waiting.from > now ? `From the first payout after ${format(waiting.from)} on` : 'From the next payout on';
  return `${from}, further earnings go to ${nameOf(waiting.account, own)}. Until then ${nameOf(account, own)} is paid. If it was not you who asked for this, call it off: somebody has a copy of your key.`;
}

/** What stays with accounts of before. */
export const keptText = ({ kept, own_account: own }: Pick<PayoutStatus, 'kept' | 'own_account'>): readonly string[] => kept.filter(({ credits }) => credits > 0n).map(({ account, credits }) => `${formatAmount(credits)} earned before belong to ${nameOf(account, own)}, paid or not.`);

/** How long a change waits. */
export function delayText(seconds: number): string {
  const [count, unit] = seconds >= 7_200 ? [Math.round(seconds / 3_600), 'hours'] : seconds >= 120 ? [Math.round(seconds / 60), 'minutes'] : [seconds, 'seconds'];
  return `A change waits ${count} ${unit}, so that nobody who copied your key redirects what you earn unseen.`;
}
