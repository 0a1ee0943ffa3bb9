import { LedgerError } from '@ciro/core/ledger/entry.ts';
import { linksOf } from '@ciro/core/ledger/head.ts';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS, formatCredits } from '@ciro/core/units.ts';
import { bondHolder, escrowBehind, escrowOf, feeOf, holdOf, payableOf, pendingOf, promotionalOf, PURSES, requesterOf, withheldOf } from './accounts-of.ts';
import { Books } from './books.ts';
import { bookBudget, bookEscrowRefunded, bookReturned } from './escrows.ts';
import { closeKey, JobMoney, outcomeKey, unknownHold } from './job-money.ts';
import { bookAuditPay, bookFailed, bookPayable, bookRestored, bookRetired, bookUnpaid } from './outcomes.ts';
import { DAY_MS, dayOf } from './day.ts';
import { bookCorrection, bookSettled, earnedOf } from './payouts.ts';
import { bookPromotions, PROMOTION_BATCH, sharePromotions, waitingOf } from './promotions.ts';
import { TrialError } from './trial-error.ts';
import type { Stake } from '@ciro/core/audit/audit-rate.ts';
import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { LedgerEntry, LedgerLine } from '@ciro/core/ledger/entry.ts';
import type { LedgerLink, LedgerPoint } from '@ciro/core/ledger/head.ts';
import type { Charge } from '@ciro/core/pricing/price.ts';
import type { Draft } from './books.ts';
import type { JobAccount } from './job-money.ts';
import type { Spending, Spent } from './key-spending.ts';
import type { LedgerEnd, LedgerStore } from './ledger-store.ts';
import type { Earned, PaidOnChain, Statement } from './payouts.ts';

/** Credits issued to the community pool with the first entry: 10,000 trials. Data of the launch, not a supply cap. */
export const POOL_CREDITS = 20_000_000n;
/** Credits the pool gives out as trials in one UTC day: 100 new accounts, what a demonstration network can answer (PROTOCOL 7). */
export const TRIAL_DAILY_CAP_CREDITS = 200_000n;
/** Links given out at a time: about 0.3 MB as JSON, read and hashed in some 50 ms. Who wants more asks from the last one on. */
export const MAX_LINKS = 1_000;

/** What a job is paid from, besides its account. */
export interface HoldOptions {
  /** A job's budget in a contract, instead of the account's credits. */
  readonly escrow?: string | undefined;
  /** The key that asks. */
  readonly by?: Spending;
  /** A job that this one goes on with, or does again: the key that asked for that one pays, whatever its budget. */
  readonly like?: JobId;
}

/** A worker's base units over all jobs. */
export interface WorkerTotals {
  readonly pending: bigint;
  /** Decided for it: payable on chain, or waiting for a promotion (SPEC M11). */
  readonly payable: bigint;
  /** Earned, and kept back until the worker has a record (SPEC M7). */
  readonly withheld: bigint;
}

/**
 * The credit ledger: append-only and hash-chained, every entry at most once by its key (SPEC M4, M5). All amounts in base
 * units. Holds are made before a job runs and closed exactly once, by `settle` or by `release`; what the audits decide about
 * a settled job is booked by `payable`, `unpaid` and `failed`, each of which may be called again.
 */
export class Ledger {
  readonly #store: LedgerStore;
  readonly #now: () => number;

  /** `now`: epoch milliseconds. */
  constructor(store: LedgerStore, options: { now: () => number }) {
    this.#store = store;
    this.#now = options.now;
  }

  /** Issues the community pool as the first entry; once, however often it is called. */
  async start(): Promise<void> {
    const pool = POOL_CREDITS * BASE_UNITS_PER_CREDIT;
    await this.#book('genesis', async () => ({ kind: 'issue', job: null, lines: [{ account: 'issued', amount: -pool }, { account: 'pool', amount: pool }] }));
  }

  /** Jobs whose hold is neither charged nor released. */
  async openHolds(): Promise<readonly JobId[]> {
    return (await this.#store.openHolds()).map((job) => job as JobId);
  }

  /** Gives a new account its trial credits from the pool; throws TrialError when the pool or the day's share is used up. */
  openTrial(account: string): Promise<LedgerEntry> {
    const amount = TRIAL_CREDITS * BASE_UNITS_PER_CREDIT;
    return this.#book(`trial:${account}`, async (books) => {
      const at = this.#now();
      const dayStart = dayOf(at);
      const given = [...(await books.creditedSince('trial', dayStart)).values()].reduce((sum, each) => sum + each, 0n);
      if (given + amount > TRIAL_DAILY_CAP_CREDITS * BASE_UNITS_PER_CREDIT) {
        const retryAfterMs = dayStart + DAY_MS - at;
        throw new TrialError('daily-cap', `today's ${TRIAL_DAILY_CAP_CREDITS} trial credits are given out; try again after midnight UTC`, { fault: 'platform', fields: { retryAfterMs } });
      }
      const left = await books.balance('pool');
      if (left < amount) throw new TrialError('pool-empty', `the community pool holds ${formatCredits(left)} credits, less than a trial's ${TRIAL_CREDITS}; ask the operator`, { fault: 'platform' });
      return { kind: 'trial', job: null, lines: [{ account: 'pool', amount: -amount }, { account: requesterOf(account), amount }] };
    });
  }

  /** What a key has spent so far, and of questions that were asked today (UTC). */
  spentBy(key: string): Promise<Spent> {
    return this.#store.spentBy(key, dayOf(this.#now()));
  }

  /** Books what a requester paid in, once for its cause: the only credits that workers are paid by without a cap (SPEC M11). */
  deposit(cause: string, account: string, amount: bigint): Promise<LedgerEntry> {
    if (amount <= 0n) throw new RangeError(`a deposit of ${amount} base units for ${account}; it must be positive`);
    return this.#book(`deposit:${cause}`, async () => ({ kind: 'deposit', job: null, lines: [{ account: 'issued', amount: -amount }, { account: requesterOf(account, 'paid'), amount }] }));
  }

  /**
   * Sets `amount` aside for a job, from an account's credits, given ones first, or from the budget of an escrow. Throws `insufficient` with `balance` and `needed`, and
   * `key-budget` when the key that asks may not spend so much more.
   */
  async hold(job: JobId, account: string, amount: bigint, { escrow, by, like }: HoldOptions = {}): Promise<LedgerEntry> {
    if (amount <= 0n) throw new RangeError(`a hold of ${amount} base units for job ${job}; it must be positive`);
    return this.#book(`hold:${job}`, async (books) => {
      if (by !== undefined) await books.spend(job, by, escrow === undefined ? amount : 0n);
      if (like !== undefined) await books.spendAs(job, like);
      const payers = escrow === undefined ? PURSES.map((purse) => requesterOf(account, purse)) : [escrowOf(escrow)];
      const balances = await Promise.all(payers.map((payer) => books.balance(payer)));
      const balance = balances.reduce((sum, each) => sum + each, 0n);
      if (balance < amount) {
        const message = `this request may cost up to ${formatCredits(amount)} credits and the account holds ${formatCredits(balance)}; lower max_tokens or top up`;
        throw new LedgerError('insufficient', message, { fault: 'user', fields: { balance: String(balance), needed: String(amount) } });
      }
      let left = amount;
      const lines = payers.map((payer, index): LedgerLine => {
        const part = least(left, balances[index] ?? 0n);
        left -= part;
        return { account: payer, amount: -part };
      });
      return { kind: 'hold', job, lines: [...lines, { account: holdOf(job), amount }] };
    });
  }

  /**
   * Charges a hold in one entry: workers' pending credits, the fee, and the rest back to the requester. A second call gives
   * the entry of the first. Throws `unknown-hold` when nothing is held for the job or its hold was released.
   */
  async settle(job: JobId, charge: Charge): Promise<LedgerEntry> {
    if (charge.fee < 0n || charge.credits.some(({ amount }) => amount < 0n)) throw new RangeError(`the charge of job ${job} has a negative part`);
    const paid = charge.credits.reduce((sum, credit) => sum + credit.amount, charge.fee);
    if (paid !== charge.debit) throw new LedgerError('unbalanced', `charge of job ${job}: fee and credits are ${paid} base units, the debit is ${charge.debit}`, { fault: 'bug', fields: { job } });
    const entry = await this.#book(closeKey(job), async (books) => {
      const money = await books.money(job);
      const { requester, of, held } = money.hold;
      if (charge.debit > held) throw new LedgerError('insufficient', `job ${job} costs ${charge.debit} base units, but ${held} are held`, { fault: 'bug', fields: { balance: String(held), needed: String(charge.debit) } });
      const [cost, fee] = [money.split(charge.debit, charge.debit), money.split(charge.fee, charge.debit)];
      const lines: LedgerLine[] = [
        { account: holdOf(job), amount: -held },
        ...charge.credits.map(({ worker, amount }) => ({ account: pendingOf(worker), amount })),
        { account: feeOf('given'), amount: fee.given },
        { account: feeOf('paid'), amount: fee.paid },
        { account: requester.given, amount: of.given - cost.given },
        { account: requester.paid, amount: of.paid - cost.paid },
      ];
      return { kind: 'charge', job, lines };
    });
    if (entry.kind !== 'charge') throw unknownHold(job, 'its hold was released');
    return entry;
  }

  /** Gives a whole hold back. Closing twice changes nothing: the entry that closed the hold is returned. */
  release(job: JobId): Promise<LedgerEntry> {
    return this.#book(closeKey(job), async (books) => {
      const { requester, of, held } = (await books.money(job)).hold;
      return { kind: 'release', job, lines: [{ account: holdOf(job), amount: -held }, ...PURSES.map((purse) => ({ account: requester[purse], amount: of[purse] }))] };
    });
  }

  /** The draw passed a stage by, or its audit passed: its credit is payable, but for a part that is withheld as its bond (SPEC M7). */
  payable(job: JobId, worker: NodeId, withheldBasisPoints: bigint): Promise<void> {
    return this.#within((books) => bookPayable(books, job, worker, withheldBasisPoints));
  }

  /** Pays out the bond of a worker that is gone since `lastSeen`, epoch milliseconds (SPEC M7). */
  retire(worker: NodeId, lastSeen: number): Promise<void> {
    return this.#within((books) => bookRetired(books, worker, lastSeen));
  }

  /** What a worker earns by a job, and its bond: what the rate of its audit is weighed by (SPEC A2). */
  async stake(job: JobId, worker: NodeId): Promise<Stake> {
    const [account, { withheld: bond }] = await Promise.all([this.jobAccount(job), this.workerTotals(worker)]);
    return { credit: account?.credits.find((credit) => credit.worker === worker)?.amount ?? 0n, bond };
  }

  /** Workers that have a bond. */
  async bonded(): Promise<readonly NodeId[]> {
    const balances = await this.#store.allBalances();
    return [...new Set([...balances].flatMap(([account, amount]) => (amount > 0n ? (bondHolder(account) ?? []) : [])))];
  }

  /** A stage's credit goes back to the requester; nothing else follows (SPEC M7). */
  unpaid(job: JobId, worker: NodeId): Promise<void> {
    return this.#within((books) => bookUnpaid(books, job, worker));
  }

  /** A quorum found these stages to have failed: the requester gets the whole debit back, honest stages keep their credit (SPEC M7). */
  failed(job: JobId, convicted: readonly NodeId[]): Promise<void> {
    return this.#within((books) => bookFailed(books, job, convicted));
  }

  /** The court set aside what a quorum found: the worker gets back what it lost by it (SPEC Q4). */
  restored(job: JobId, worker: NodeId): Promise<void> {
    return this.#within((books) => bookRestored(books, job, worker));
  }

  /** Pays an auditor for one look at one stage (SPEC M8). */
  auditPaid(audit: AuditId, job: JobId, auditor: NodeId, amount: bigint): Promise<void> {
    return this.#within((books) => bookAuditPay(books, audit, job, auditor, amount));
  }

  /** What every worker ever had made payable, read at one moment (SPEC M10, X7). */
  async earned(): Promise<ReadonlyMap<NodeId, Earned>> {
    return earnedOf(await this.#store.allBalances());
  }

  /** The same with the entry that it was read up to, while nothing else is booked (SPEC X4, X7). */
  statement(): Promise<Statement> {
    return this.#within(async (books) => ({ earned: earnedOf(await books.allBalances()), head: pointBefore(books.end) }));
  }

  /** Books what the chain has paid a worker in all; gives what of it is new (SPEC M10). */
  settled(worker: NodeId, paid: PaidOnChain): Promise<bigint> {
    return this.#within((books) => bookSettled(books, worker, paid));
  }

  /** Takes what was made payable in error back to the pool (SPEC M10). */
  correct(name: string, worker: NodeId, amount: bigint): Promise<void> {
    return this.#within((books) => bookCorrection(books, name, worker, amount));
  }

  /** Makes payable what workers earned by given credits, as far as the day's caps allow; gives how much (SPEC M11). */
  async promote(): Promise<bigint> {
    const waiting = waitingOf(await this.#store.allBalances());
    if (waiting.size === 0) return 0n;
    const dayStart = dayOf(this.#now());
    const shares = [...(await this.#within((books) => sharePromotions(books, waiting, dayStart)))];
    let promoted = 0n;
    for (let first = 0; first < shares.length; first += PROMOTION_BATCH) {
      promoted += await this.#within((books) => bookPromotions(books, new Map(shares.slice(first, first + PROMOTION_BATCH)), dayStart));
    }
    return promoted;
  }

  /** Issues what a contract holds for a job, in base units of credits; once for its id (SPEC N5). */
  escrowed(escrow: string, budget: bigint): Promise<void> {
    return this.#within((books) => bookBudget(books, escrow, budget));
  }

  /** What an escrow's budget was, what is left of it, and whether it left the ledger. */
  async escrow(escrow: string): Promise<{ readonly budget: bigint; readonly left: bigint; readonly returned: boolean }> {
    const entry = await this.#store.entryByKey(`escrow:${escrow}`);
    const account = escrowOf(escrow);
    return { budget: entry?.lines.find((line) => line.account === account)?.amount ?? 0n, left: (await this.#store.balances([account])).get(account) ?? 0n, returned: (await this.#store.entryByKey(`returned:${escrow}`)) !== undefined };
  }

  /** The contract has settled: what is left of the budget went back to its client. Throws `unbalanced` when that is not `left` (SPEC N5). */
  escrowSettled(escrow: string, left: bigint): Promise<void> {
    return this.#within((books) => bookReturned(books, escrow, left));
  }

  /** The contract has refunded: nothing of these jobs is paid. Gives what went back, less than the budget only where fee and pool were empty (SPEC N7). */
  escrowRefunded(escrow: string, jobs: readonly JobId[]): Promise<bigint> {
    return this.#within((books) => bookEscrowRefunded(books, escrow, jobs));
  }

  /** The escrow that pays for a job; undefined for one that an account pays for, or that nothing was held for. */
  async escrowBehind(job: string): Promise<string | undefined> {
    const entry = await this.#store.entryByKey(`hold:${job}`);
    return entry?.lines.map(({ account }) => escrowBehind(account)).find((found) => found !== undefined);
  }

  /** Base units that an account may spend, given and paid ones. */
  async balance(account: string): Promise<bigint> {
    const purses = await this.#store.balances(PURSES.map((purse) => requesterOf(account, purse)));
    return [...purses.values()].reduce((sum, amount) => sum + amount, 0n);
  }

  /** What the chain holds for a worker. */
  async workerTotals(worker: string): Promise<WorkerTotals> {
    const accounts = [pendingOf(worker), payableOf(worker), promotionalOf(worker), withheldOf(worker, 'given'), withheldOf(worker, 'paid')] as const;
    const balances = await this.#store.balances(accounts);
    const [pending = 0n, payable = 0n, promotional = 0n, given = 0n, paid = 0n] = accounts.map((account) => balances.get(account) ?? 0n);
    return { pending, payable: payable + promotional, withheld: given + paid };
  }

  /** The part of a worker's payable that given credits earned and that waits for a promotion (SPEC M11). */
  async promotional(worker: string): Promise<bigint> {
    return (await this.#store.balances([promotionalOf(worker)])).get(promotionalOf(worker)) ?? 0n;
  }

  /** What the chain says about a job; undefined until its hold is closed. */
  async jobAccount(job: string): Promise<JobAccount | undefined> {
    return new JobMoney(job, await this.#store.entriesOfJob(job)).account;
  }

  /** The entry that decided a worker's credit for a job, or else the one that made it. */
  async creditEntry(job: string, worker: string): Promise<LedgerEntry | undefined> {
    return (await this.#store.entryByKey(outcomeKey(job, worker))) ?? this.#store.entryByKey(closeKey(job));
  }

  /** Number and hash of the last entry; undefined while there is none (SPEC B1). */
  async head(): Promise<LedgerPoint | undefined> {
    return pointBefore(await this.#store.end());
  }

  /** Links of the entries after `from` up to `to`, at most MAX_LINKS of them and only as far as the chain goes (SPEC B2). */
  async links(from: number, to: number): Promise<readonly LedgerLink[]> {
    const most = Math.max(0, Math.min(to - from, MAX_LINKS));
    return linksOf(await this.#store.entriesFrom(from + 1, most));
  }

  /** Books one entry; a crash leaves all of it or nothing. */
  #book(key: string, draft: (books: Books) => Promise<Draft>): Promise<LedgerEntry> {
    return this.#within((books) => books.book(key, () => draft(books)));
  }

  /** One transaction with the end of the chain locked: everything `work` books is stored, or nothing. */
  #within<T>(work: (books: Books) => Promise<T>): Promise<T> {
    return this.#store.exclusive((transaction) => work(new Books(transaction, this.#now)));
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The last entry before an end; undefined of an empty chain. */
const pointBefore = ({ sequence, hash }: LedgerEnd): LedgerPoint | undefined => (sequence === 0 ? undefined : { sequence: sequence - 1, hash: hash as HexHash });
