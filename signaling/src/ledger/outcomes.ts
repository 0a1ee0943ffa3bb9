import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { earnedIn, feeOf, pendingOf, PURSES, withheldOf } from './accounts-of.ts';
import { outcomeKey } from './job-money.ts';
import type { AuditId, JobId } from '@ciro/core/ids.ts';
import type { LedgerLine } from '@ciro/core/ledger/entry.ts';
import type { Books } from './books.ts';
import type { JobMoney } from './job-money.ts';

const BASIS_POINTS = 10_000n;

/**
 * A stage's credit becomes payable, but for `withheldBasisPoints` of it, which go to the worker's bond (SPEC M7). A worker without
 * a credit for the job has nothing to get. Throws `duplicate` when the credit is void.
 */
export async function bookPayable(books: Books, job: JobId, worker: string, withheldBasisPoints: bigint): Promise<void> {
  if (withheldBasisPoints < 0n || withheldBasisPoints > BASIS_POINTS) throw new RangeError(`${withheldBasisPoints} basis points to withhold; it is 0 to ${BASIS_POINTS}`);
  const money = await books.money(job);
  if (money.credited.has(worker)) {
    const entry = await books.book(outcomeKey(job, worker), () => {
      const amount = money.pending(worker);
      const withheld = (amount * withheldBasisPoints) / BASIS_POINTS;
      return { kind: 'payable', job, lines: [{ account: pendingOf(worker), amount: -amount }, ...money.lines(amount - withheld, (purse) => earnedIn(worker, purse)), ...money.lines(withheld, (purse) => withheldOf(worker, purse))] };
    });
    if (entry.kind !== 'payable') throw decided(job, worker, entry.kind);
  }
}

/** The bond of a worker that was last seen at `lastSeen` (epoch milliseconds) and has been gone since becomes payable (SPEC M7); once for each time it was there. */
export async function bookRetired(books: Books, worker: string, lastSeen: number): Promise<void> {
  const lines: LedgerLine[] = [];
  for (const purse of PURSES) {
    const kept = await books.balance(withheldOf(worker, purse));
    lines.push({ account: withheldOf(worker, purse), amount: -kept }, { account: earnedIn(worker, purse), amount: kept });
  }
  if (lines.some(({ amount }) => amount > 0n)) await books.book(`released:${worker}:${lastSeen}`, () => ({ kind: 'released', job: null, lines }));
}

/** A stage's credit goes back to the requester, without a penalty (SPEC M7). Throws `duplicate` when it is payable already. */
export async function bookUnpaid(books: Books, job: JobId, worker: string): Promise<void> {
  const money = await books.money(job);
  if (!money.credited.has(worker)) return;
  const entry = await books.book(outcomeKey(job, worker), () => {
    const amount = money.pending(worker);
    return { kind: 'void', job, lines: [{ account: pendingOf(worker), amount: -amount }, ...givenBack(money, amount)] };
  });
  if (entry.kind !== 'void') throw decided(job, worker, entry.kind);
}

/**
 * A failed job: the credits of the convicted are void and what was withheld of them goes to the pool; the requester gets the
 * whole debit back, from those credits, the fee and the pool. Other stages keep their credit (SPEC M7). When fee and pool do
 * not reach, pending credits of this job are lessened by what is missing, and the refund entry has a line for each; what is
 * payable is never taken back. A stage that is convicted after the refund pays back the pool.
 */
export async function bookFailed(books: Books, job: JobId, convicted: readonly string[]): Promise<void> {
  const workers = [...(await books.money(job)).credited.keys()];
  for (const worker of new Set(convicted)) {
    await bookForfeit(books, job, worker);
    if ((await books.entryByKey(outcomeKey(job, worker))) === undefined) await bookUnpaid(books, job, worker);
  }
  const money = await books.money(job);
  if (money.owed === 0n) return;
  await books.book(`refund:${job}`, async () => {
    const { owed } = money;
    const paidFee = least(owed, money.fee('paid'), await books.balance(feeOf('paid')));
    const givenFee = least(owed - paidFee, money.fee('given'), await books.balance(feeOf('given')));
    const pool = least(owed - paidFee - givenFee, await books.balance('pool'));
    const short = shareOut(owed - paidFee - givenFee - pool, workers.map((worker) => ({ worker, pending: money.pending(worker) })));
    const found = money.split(short.reduce((sum, { amount }) => sum - amount, 0n));
    const { requester } = money.hold;
    // What the pool gives is given, whatever was paid with: else failing on purpose would turn the pool into deposits.
    const back: LedgerLine[] = [{ account: requester.given, amount: givenFee + pool + found.given }, { account: requester.paid, amount: paidFee + found.paid }];
    return { kind: 'refund', job, lines: [...short, { account: feeOf('given'), amount: -givenFee }, { account: feeOf('paid'), amount: -paidFee }, { account: 'pool', amount: -pool }, ...back] };
  });
}

async function bookForfeit(books: Books, job: JobId, worker: string): Promise<void> {
  const lines: LedgerLine[] = [];
  for (const purse of PURSES) {
    const kept = await books.balance(withheldOf(worker, purse));
    lines.push({ account: withheldOf(worker, purse), amount: -kept }, { account: 'pool', amount: kept });
  }
  if (lines.some(({ amount }) => amount > 0n)) await books.book(`forfeit:${job}:${worker}`, () => ({ kind: 'forfeit', job, lines }));
}

/**
 * A conviction that the court set aside: the credit that was void is the worker's, as given (SPEC M11), and the bond that was forfeited is a bond again, of the purses that it was of;
 * both from the pool, which had that bond, once (SPEC Q4). The requester keeps its refund. Throws `insufficient` when the pool does not hold that much.
 */
export async function bookRestored(books: Books, job: JobId, worker: string): Promise<void> {
  const [forfeit, outcome] = [await books.entryByKey(`forfeit:${job}:${worker}`), await books.entryByKey(outcomeKey(job, worker))];
  const lost = (entry: typeof outcome, account: string): bigint => entry?.lines.reduce((sum, line) => (line.account === account ? sum - line.amount : sum), 0n) ?? 0n;
  const credit = outcome?.kind === 'void' ? lost(outcome, pendingOf(worker)) : 0n;
  const bonds = PURSES.map((purse): LedgerLine => ({ account: withheldOf(worker, purse), amount: lost(forfeit, withheldOf(worker, purse)) }));
  const bond = bonds.reduce((sum, { amount }) => sum + amount, 0n);
  if (credit + bond === 0n) return;
  await books.book(`restored:${job}:${worker}`, async () => {
    const pool = await books.balance('pool');
    if (pool < credit + bond) throw new LedgerError('insufficient', `${worker} was convicted in error and is owed ${credit + bond} base units, and the pool holds ${pool}; it is booked when the pool reaches`, { fault: 'platform', fields: { balance: String(pool), needed: String(credit + bond) } });
    return { kind: 'restored', job, lines: [{ account: 'pool', amount: -(credit + bond) }, { account: earnedIn(worker, 'given'), amount: credit }, ...bonds] };
  });
}

/** An audit is paid from fees, of paid ones only what the job's own purse stands for, then from the pool, as far as they reach (SPEC M8, M11). */
export async function bookAuditPay(books: Books, audit: AuditId, job: JobId, auditor: string, amount: bigint): Promise<void> {
  if (amount < 0n) throw new RangeError(`an audit of ${amount} base units; it must not be negative`);
  await books.book(`audit:${audit}`, async () => {
    const money = await books.money(job);
    const paid = least(money.charged ? money.split(amount).paid : 0n, await books.balance(feeOf('paid')));
    const given = least(amount - paid, await books.balance(feeOf('given')));
    const pool = least(amount - paid - given, await books.balance('pool'));
    return { kind: 'audit', job, lines: [{ account: feeOf('given'), amount: -given }, { account: feeOf('paid'), amount: -paid }, { account: 'pool', amount: -pool }, { account: earnedIn(auditor, 'given'), amount: given + pool }, { account: earnedIn(auditor, 'paid'), amount: paid }] };
  });
}

/** To the requester as far as it is owed anything, the rest to the pool, which paid the refund. */
function givenBack(money: JobMoney, amount: bigint): LedgerLine[] {
  const toRequester = least(amount, money.owed);
  const { requester } = money.hold;
  return [...money.lines(toRequester, (purse) => requester[purse]), { account: 'pool', amount: amount - toRequester }];
}

/** Lines that take `missing` from pending credits, each by its share; what division leaves over from the first that has it. */
function shareOut(missing: bigint, credits: readonly { readonly worker: string; readonly pending: bigint }[]): LedgerLine[] {
  const total = credits.reduce((sum, { pending }) => sum + pending, 0n);
  const wanted = least(missing, total);
  if (wanted === 0n) return [];
  let left = wanted - credits.reduce((sum, { pending }) => sum + (wanted * pending) / total, 0n);
  return credits.map(({ worker, pending }): LedgerLine => {
    const share = (wanted * pending) / total;
    const more = least(left, pending - share);
    left -= more;
    return { account: pendingOf(worker), amount: -(share + more) };
  });
}

const least = (first: bigint, ...others: readonly bigint[]): bigint => others.reduce((a, b) => (a < b ? a : b), first);

function decided(job: string, worker: string, as: string): LedgerError {
  return new LedgerError('duplicate', `the credit of ${worker} for job ${job} is already ${as}`, { fault: 'bug', fields: { job, worker } });
}
