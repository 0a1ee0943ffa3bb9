import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { payableOf, promotionalOf } from './accounts-of.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { AccountName, LedgerLine } from '@ciro/core/ledger/entry.ts';
import type { Books } from './books.ts';

/** Of what was earned by given credits, this much becomes payable in one UTC day, over all workers: a tenth of the trials of a day, and a thousandth of the launch pool (SPEC M11). */
export const PROMOTION_DAILY_CAP_CREDITS = 20_000n;
/** And this much to one worker: what one trial can pay. A worker that serves many trials is paid over more days, and others are not crowded out. */
export const PROMOTION_WORKER_DAILY_CAP_CREDITS = 2_000n;
/** Workers in one entry: 200 lines are booked in some 0.2 s, and nothing else is meanwhile. */
export const PROMOTION_BATCH = 100;
/** Workers that one call looks after, those with the most waiting: half a minute of entries. The others come the next time. */
const MAX_WORKERS = 10_000;

/** Base units to promote, by worker. */
export type Promotions = ReadonlyMap<NodeId, bigint>;

const PROMOTIONAL = /^worker:([^:]+):promotional$/;

/** Of all balances, what waits for a promotion, most first. */
export function waitingOf(balances: ReadonlyMap<AccountName, bigint>): Promotions {
  const waiting = [...balances].flatMap(([account, amount]): [NodeId, bigint][] => {
    const worker = PROMOTIONAL.exec(account)?.[1];
    return worker === undefined || amount <= 0n ? [] : [[worker as NodeId, amount]];
  });
  return new Map(waiting.sort(([, a], [, b]) => (a < b ? 1 : a > b ? -1 : 0)).slice(0, MAX_WORKERS));
}

/** What is left of a day's caps. */
interface Left {
  readonly inAll: bigint;
  of(worker: string): bigint;
}

async function leftSince(books: Books, dayStart: number): Promise<Left> {
  const given = await books.creditedSince('promotion', dayStart);
  const total = [...given.values()].reduce((sum, amount) => sum + amount, 0n);
  return {
    inAll: atLeast0(PROMOTION_DAILY_CAP_CREDITS * BASE_UNITS_PER_CREDIT - total),
    of: (worker) => atLeast0(PROMOTION_WORKER_DAILY_CAP_CREDITS * BASE_UNITS_PER_CREDIT - (given.get(payableOf(worker)) ?? 0n)),
  };
}

/**
 * Shares what is left of the day among those who wait: each the same, and what one does not need goes to the others. So many small ones
 * are not held up by one that is large.
 */
export async function sharePromotions(books: Books, waiting: Promotions, dayStart: number): Promise<Promotions> {
  const left = await leftSince(books, dayStart);
  const wanted = [...waiting].map(([worker, amount]): [NodeId, bigint] => [worker, least(amount, left.of(worker))]).sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
  let rest = left.inAll;
  return new Map(wanted.flatMap(([worker, amount], index): [NodeId, bigint][] => {
    const share = least(amount, rest / BigInt(wanted.length - index));
    rest -= share;
    return share === 0n ? [] : [[worker, share]];
  }));
}

/** Books at most these shares in one entry, within what the day has left as it is booked; gives the sum (SPEC M11). */
export async function bookPromotions(books: Books, shares: Promotions, dayStart: number): Promise<bigint> {
  const left = await leftSince(books, dayStart);
  let rest = left.inAll;
  const lines: LedgerLine[] = [];
  for (const [worker, share] of shares) {
    const amount = least(share, left.of(worker), rest, await books.balance(promotionalOf(worker)));
    if (amount === 0n) continue;
    rest -= amount;
    lines.push({ account: promotionalOf(worker), amount: -amount }, { account: payableOf(worker), amount });
  }
  // Its cause is the moment: what keeps a second one from giving more is the day's caps, not the key.
  if (lines.length > 0) await books.book(`promotion:${books.end.sequence}`, () => ({ kind: 'promotion', job: null, lines }));
  return left.inAll - rest;
}

const least = (first: bigint, ...others: readonly bigint[]): bigint => others.reduce((a, b) => (a < b ? a : b), first);
const atLeast0 = (amount: bigint): bigint => (amount < 0n ? 0n : amount);
