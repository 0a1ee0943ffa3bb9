import { sealEntry } from '@ciro/core/ledger/entry.ts';
import { checkBudget } from './key-spending.ts';
import { dayOf } from './day.ts';
import { JobMoney } from './job-money.ts';
import type { AccountName, EntryDraft, EntryKind, LedgerEntry } from '@ciro/core/ledger/entry.ts';
import type { LedgerEnd, LedgerTransaction } from './ledger-store.ts';
import type { Spending } from './key-spending.ts';

/** What is booked under a key; the time is the ledger's. */
export type Draft = Omit<EntryDraft, 'key' | 'at'>;

/** The ledger inside one transaction: what is booked in it is stored as a whole, or not at all. */
export class Books {
  readonly #transaction: LedgerTransaction;
  readonly #now: () => number;

  /** `now`: epoch milliseconds. */
  constructor(transaction: LedgerTransaction, now: () => number) {
    this.#transaction = transaction;
    this.#now = now;
  }

  entryByKey(key: string): Promise<LedgerEntry | undefined> {
    return this.#transaction.entryByKey(key);
  }

  async balance(account: AccountName): Promise<bigint> {
    return (await this.#transaction.balances([account])).get(account) ?? 0n;
  }

  /** Number of the entry that is booked next, and the hash it follows. */
  get end(): LedgerEnd {
    return this.#transaction.end;
  }

  allBalances(): Promise<ReadonlyMap<AccountName, bigint>> {
    return this.#transaction.allBalances();
  }

  creditedSince(kind: EntryKind, since: number): Promise<ReadonlyMap<AccountName, bigint>> {
    return this.#transaction.creditedSince(kind, since);
  }

  /** Lets a job be paid by a key within its budget; throws `key-budget` when `amount` is too much. */
  async spend(job: string, spending: Spending, amount: bigint): Promise<void> {
    const day = dayOf(this.#now());
    checkBudget(spending, await this.#transaction.spentBy(spending.key, day), amount);
    await this.#transaction.assign(job, { key: spending.key, day });
  }

  /** Lets a job be paid by the key that another one was asked by, as far as it goes on with that one: its budget was looked at then. */
  async spendAs(job: string, like: string): Promise<void> {
    const spender = await this.#transaction.spenderOf(like);
    if (spender !== undefined) await this.#transaction.assign(job, spender);
  }

  /** What was booked about a job so far. */
  async money(job: string): Promise<JobMoney> {
    return new JobMoney(job, await this.#transaction.entriesOfJob(job));
  }

  /** Appends what `draft` gives under `key`, or returns the entry that is already there (SPEC M5). Lines of 0 are left out. */
  async book(key: string, draft: () => Draft | Promise<Draft>): Promise<LedgerEntry> {
    const booked = await this.#transaction.entryByKey(key);
    if (booked !== undefined) return booked;
    const { kind, job, lines } = await draft();
    const { sequence, hash } = this.#transaction.end;
    const entry = sealEntry({ kind, key, job, at: this.#now(), lines: lines.filter(({ amount }) => amount !== 0n) }, sequence, hash);
    await this.#transaction.append(entry);
    return entry;
  }
}
