import { SettlementServiceError } from './service-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Earned } from '../ledger/payouts.ts';
import type { PayoutLink } from './link-ports.ts';

/** What of a worker's earnings belongs to one account. Base units of credits, since the contract's chain began. */
export interface Share {
  readonly worker: NodeId;
  readonly account: string;
  /** It is not the worker's own. */
  readonly linked: boolean;
  /** Ever made payable. */
  readonly credits: bigint;
  /** Of that, paid by the chain. */
  readonly settled: bigint;
}

export interface SharedWorker {
  readonly worker: NodeId;
  /** Its own account (SPEC X6). */
  readonly own: string;
  readonly earned: Earned;
  readonly link: PayoutLink | undefined;
  /** What was settled before that chain began: at a linked account, or at the worker's own (SPEC X10). */
  readonly before: (worker: NodeId, linked?: string) => bigint;
}

/** The shares of one worker: together they are what it earned, to the base unit (SPEC Y10). Throws `overdrawn`. */
export function sharesOf({ worker, own, earned, link, before }: SharedWorker): Share[] {
  const { payable, settled, linked: atLinked = new Map<string, bigint>() } = earned;
  if (link === undefined) return [{ worker, account: own, linked: false, credits: payable + settled, settled }];
  const accounts = accountsOf(own, link);
  const beforeAt = (account: string): bigint => before(worker, account === own ? undefined : account);
  const ever = everEarned({ worker, own, earned, link, before });
  const settledElsewhere = [...atLinked.values()].reduce((sum, amount) => sum + amount, 0n);
  return accounts.map((account) => ({
    worker,
    account,
    linked: account !== own,
    credits: ofAll(worker, ever, link, account) - beforeAt(account),
    settled: account === own ? settled - settledElsewhere : (atLinked.get(account) ?? 0n),
  }));
}

const accountsOf = (own: string, { kept, account }: PayoutLink): string[] => [...new Set([own, ...kept.keys(), account])];

/** All that a worker ever earned, what was settled before that chain began included. */
export function everEarned({ worker, own, earned: { payable, settled }, link, before }: SharedWorker & { readonly link: PayoutLink }): bigint {
  return accountsOf(own, link).reduce((sum, account) => sum + before(worker, account === own ? undefined : account), payable + settled);
}

/** Of all that a worker ever earned, what belongs to an account: what is kept for it, or, at the account that is paid, all the rest. */
function ofAll(worker: NodeId, ever: bigint, { account: current, kept }: PayoutLink, account: string): bigint {
  if (account !== current) return kept.get(account) ?? 0n;
  const rest = [...kept].reduce((left, [other, amount]) => (other === current ? left : left - amount), ever);
  if (rest < 0n) throw new SettlementServiceError('overdrawn', `worker ${worker} earned ${ever} base units in all, and ${ever - rest} are kept for accounts that it was paid at before; a correction took more than its present account had`, { fault: 'platform', fields: { worker } });
  return rest;
}

/**
 * Where a worker is paid after a change: the account of before keeps what it has at this moment, so no leaf falls, and the next one begins
 * with what was once kept for it. `ever`: all it ever earned.
 */
export function relinked(worker: NodeId, ever: bigint, link: PayoutLink, account: string, since: number): PayoutLink {
  if (account === link.account) return { ...link, since };
  const kept = new Map([...link.kept, [link.account, ofAll(worker, ever, link, link.account)]]);
  kept.delete(account);
  return { account, since, kept };
}
