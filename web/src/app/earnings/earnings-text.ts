import { formatAmount } from '../figures.ts';
import type { ParticipantView } from '../../participant/participant-view.ts';

type Earnings = NonNullable<ParticipantView['earnings']>;
export type Payout = Earnings['payouts'][number];

const STEPS: Readonly<Record<NonNullable<Earnings['step']>, string>> = {
  proof: 'Looking up what you are owed',
  contract: 'Checking the proof with the contract',
  ticket: 'Asking the coordinator to pay the gas',
  sponsor: 'Handing the claim in',
  block: 'Waiting for the block',
};

/** What is payable, apart: what the next payout brings, and what trials earned, which is paid out within a daily limit (SPEC M11). Base units. */
export function payableParts({ payable, promotional = 0n }: ParticipantView['credits']): { readonly next: bigint; readonly promotional: bigint } {
  return { next: payable - promotional, promotional };
}

/** What a person can do about a claim that failed. */
const TODO: Readonly<Record<string, string>> = {
  unreachable: 'Check the connection, then claim again.',
  'not-in-block': 'The network is slow. Look again in some minutes: what was paid is paid once.',
  'no-ticket': 'Nothing is lost: what you are owed stays yours. Try again in a minute, while this tab contributes.',
  refused: 'Nothing is lost: what you are owed stays yours. Try again later.',
  'not-claimable': 'Nothing is lost. Try again when the next payout is announced.',
};
const DEFAULT_TODO = 'Your key signed nothing else. Ask the operator what happened.';

/** What happens at this moment with the money on the chain; empty when there is nothing to say. */
export function chainText({ chain, step, owed, payouts, failure }: Earnings): string {
  if (step !== undefined) return `${STEPS[step]} …`;
  if (failure?.again === true) return 'That did not work; it is tried again in some seconds.';
  if (chain === 'unknown') return '';
  if (chain === 'none') return 'This coordinator pays on no chain: what you earn are credits in its ledger.';
  const [newest] = payouts;
  if (owed !== undefined && owed > 0n) return `${formatAmount(owed)} CIRO can be claimed.`;
  if (newest !== undefined) return `${formatAmount(newest.amount)} CIRO arrived at your account.`;
  return 'Payable credits become CIRO with the next payout; your first one is claimed by this tab, and costs you nothing.';
}

/** A failure that nothing is tried again for. */
export function failureOf({ failure }: Earnings): { readonly message: string; readonly todo: string } | undefined {
  return failure === undefined || failure.again ? undefined : { message: failure.message, todo: TODO[failure.code] ?? DEFAULT_TODO };
}

/** `0x1234…cdef`: both ends, because people compare both. */
export const shortAddress = (address: string): string => (address.length <= 14 ? address : `${address.slice(0, 8)}…${address.slice(-6)}`);

/** What this account paid for a transaction: 0, or how many STRK. */
export const gasText = ({ gasPaidFri }: Payout): string => (gasPaidFri === 0n ? '0' : `${formatAmount(gasPaidFri)} STRK`);
