import { LedgerError, sealEntry } from '@ciro/core/ledger/entry.ts';
import { BASE_UNITS_PER_CREDIT, TRIAL_CREDITS, formatCredits } from '@ciro/core/units.ts';
import { TrialError } from './trial-error.ts';
import type { AccountName, EntryDraft, LedgerEntry, LedgerLine } from '@ciro/core/ledger/entry.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Charge } from '@ciro/core/pricing/price.ts';
import type { LedgerStore, LedgerTransaction } from './ledger-store.ts';

/** Credits issued to the community pool with the first entry: 10,000 trials. Data of the launch, not a supply cap. */
export const POOL_CREDITS = 20_000_000n;
/** Credits the pool gives out as trials in one UTC day: 100 new accounts, what a demonstration network can answer (PROTOCOL 7). */
export const TRIAL_DAILY_CAP_CREDITS = 200_000n;
const DAY_MS = 86_400_000;

/** Where a worker's credit for a job stands (PROTOCOL 7). */
export type CreditStatus = 'pending' | 'payable' | 'void';

/** One worker's credit for one job, in base units. */
export interface WorkerCredit {
  readonly worker: string;
  readonly amount: bigint;
  readonly status: CreditStatus;
}

/** What a job cost and whom it paid, read back from the chain. */
export interface JobAccount {
  /** The entry that closed the hold: its hash pins the whole history before it. */
  readonly entry: LedgerEntry;
  readonly held: bigint;
  readonly debit: bigint;
  readonly fee: bigint;
  readonly credits: readonly WorkerCredit[];
}

const requesterOf = (account: string): AccountName => `requester:${account}`;
const holdOf = (job: string): AccountName => `hold:${job}`;
const pendingOf = (worker: string): AccountName => `worker:${worker}:pending`;
const payableOf = (worker: string): AccountName => `worker:${worker}:payable`;

/**
 * The credit ledger: append-only and hash-chained, one entry a transaction, every entry at most once by its key (SPEC M4, M5).
 * All amounts in base units. Holds are made before a job runs and closed exactly once, by `settle` or by `release`.
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
    return this.#book(`trial:${account}`, async (transaction) => {
      const at = this.#now();
      const dayStart = at - (at % DAY_MS);
      const given = await transaction.trialsSince(dayStart);
      if (given + amount > TRIAL_DAILY_CAP_CREDITS * BASE_UNITS_PER_CREDIT) {
        const retryAfterMs = dayStart + DAY_MS - at;
        throw new TrialError('daily-cap', `today's ${TRIAL_DAILY_CAP_CREDITS} trial credits are given out; try again after midnight UTC`, { fault: 'platform', fields: { retryAfterMs } });
      }
      const left = await balanceOf(transaction, 'pool');
      if (left < amount) throw new TrialError('pool-empty', `the community pool holds ${formatCredits(left)} credits, less than a trial's ${TRIAL_CREDITS}; ask the operator`, { fault: 'platform' });
      return { kind: 'trial', job: null, lines: [{ account: 'pool', amount: -amount }, { account: requesterOf(account), amount }] };
    });
  }

  /** Sets `amount` aside for a job; throws `insufficient` with `balance` and `needed`. */
  async hold(job: JobId, account: string, amount: bigint): Promise<LedgerEntry> {
    if (amount <= 0n) throw new RangeError(`a hold of ${amount} base units for job ${job}; it must be positive`);
    return this.#book(`hold:${job}`, async (transaction) => {
      const balance = await balanceOf(transaction, requesterOf(account));
      if (balance < amount) {
        const message = `this request may cost up to ${formatCredits(amount)} credits and the account holds ${formatCredits(balance)}; lower max_tokens or top up`;
        throw new LedgerError('insufficient', message, { fault: 'user', fields: { balance: String(balance), needed: String(amount) } });
      }
      return { kind: 'hold', job, lines: [{ account: requesterOf(account), amount: -amount }, { account: holdOf(job), amount }] };
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
    const entry = await this.#book(`close:${job}`, async (transaction) => {
      const { requester, held } = await this.#heldFor(transaction, job);
      if (charge.debit > held) throw new LedgerError('insufficient', `job ${job} costs ${charge.debit} base units, but ${held} are held`, { fault: 'bug', fields: { balance: String(held), needed: String(charge.debit) } });
      const lines: LedgerLine[] = [
        { account: holdOf(job), amount: -held },
        ...charge.credits.map(({ worker, amount }) => ({ account: pendingOf(worker), amount })),
        { account: 'fee', amount: charge.fee },
        { account: requester, amount: held - charge.debit },
      ];
      return { kind: 'charge', job, lines };
    });
    if (entry.kind !== 'charge') throw unknownHold(job, 'its hold was released');
    return entry;
  }

  /** Gives a whole hold back. Closing twice changes nothing: the entry that closed the hold is returned. */
  release(job: JobId): Promise<LedgerEntry> {
    return this.#book(`close:${job}`, async (transaction) => {
      const { requester, held } = await this.#heldFor(transaction, job);
      return { kind: 'release', job, lines: [{ account: holdOf(job), amount: -held }, { account: requester, amount: held }] };
    });
  }

  /** Moves a worker's pending credit for a job to `payable` (audit passed or passed by), or back to the requester (`void`). Once. */
  async decide(job: JobId, worker: string, outcome: 'payable' | 'void'): Promise<LedgerEntry> {
    const entry = await this.#book(`outcome:${job}:${worker}`, async (transaction) => {
      const closed = await transaction.entryByKey(`close:${job}`);
      const amount = closed?.lines.find((line) => line.account === pendingOf(worker))?.amount;
      if (amount === undefined) throw unknownHold(job, `${worker} has no pending credit for it`);
      const { requester } = await this.#heldFor(transaction, job);
      return { kind: outcome, job, lines: [{ account: pendingOf(worker), amount: -amount }, { account: outcome === 'payable' ? payableOf(worker) : requester, amount }] };
    });
    if (entry.kind !== outcome) throw new LedgerError('duplicate', `the credit of ${worker} for job ${job} is already ${entry.kind}`, { fault: 'bug', fields: { job, worker } });
    return entry;
  }

  /** Base units that an account may spend. */
  async balance(account: string): Promise<bigint> {
    return (await this.#store.balances([requesterOf(account)])).get(requesterOf(account)) ?? 0n;
  }

  /** A worker's totals over all jobs. */
  async workerTotals(worker: string): Promise<{ readonly pending: bigint; readonly payable: bigint }> {
    const balances = await this.#store.balances([pendingOf(worker), payableOf(worker)]);
    return { pending: balances.get(pendingOf(worker)) ?? 0n, payable: balances.get(payableOf(worker)) ?? 0n };
  }

  /** What the chain says about a job; undefined until its hold is closed. */
  async jobAccount(job: string): Promise<JobAccount | undefined> {
    const entries = await this.#store.entriesOfJob(job);
    const entry = entries.find(({ key }) => key === `close:${job}`);
    if (entry === undefined) return undefined;
    const held = -amountOf(entry, holdOf(job));
    const outcomes = new Map(entries.map((later) => [later.key, later.kind]));
    const credits = entry.lines.flatMap(({ account, amount }): WorkerCredit[] => {
      const worker = /^worker:(.+):pending$/.exec(account)?.[1];
      if (worker === undefined) return [];
      const outcome = outcomes.get(`outcome:${job}:${worker}`);
      return [{ worker, amount, status: outcome === 'payable' || outcome === 'void' ? outcome : 'pending' }];
    });
    const fee = amountOf(entry, 'fee');
    return { entry, held, fee, credits, debit: credits.reduce((sum, credit) => sum + credit.amount, fee) };
  }

  /**
   * Appends what `draft` gives under `key`, or returns the entry that is already there. Lines of 0 are left out. One
   * transaction with the head locked: a crash leaves all of it or nothing.
   */
  #book(key: string, draft: (transaction: LedgerTransaction) => Promise<Omit<EntryDraft, 'key' | 'at'>>): Promise<LedgerEntry> {
    return this.#store.exclusive(async (transaction) => {
      const booked = await transaction.entryByKey(key);
      if (booked !== undefined) return booked;
      const { kind, job, lines } = await draft(transaction);
      const moved = lines.filter((line) => line.amount !== 0n);
      const entry = sealEntry({ kind, key, job, at: this.#now(), lines: moved }, transaction.head.sequence, transaction.head.hash);
      await transaction.append(entry);
      return entry;
    });
  }

  async #heldFor(transaction: LedgerTransaction, job: JobId): Promise<{ requester: AccountName; held: bigint }> {
    const entry = await transaction.entryByKey(`hold:${job}`);
    if (entry === undefined) throw unknownHold(job, 'nothing was ever held for it');
    const requester = entry.lines.find((line) => line.account.startsWith('requester:'));
    if (requester === undefined) throw unknownHold(job, 'its hold names no requester');
    return { requester: requester.account, held: amountOf(entry, holdOf(job)) };
  }
}

const balanceOf = async (transaction: LedgerTransaction, account: AccountName): Promise<bigint> => (await transaction.balances([account])).get(account) ?? 0n;

const amountOf = (entry: LedgerEntry, account: AccountName): bigint => entry.lines.find((line) => line.account === account)?.amount ?? 0n;

function unknownHold(job: string, why: string): LedgerError {
  return new LedgerError('unknown-hold', `job ${job} has no hold to close: ${why}`, { fault: 'bug', fields: { job } });
}
