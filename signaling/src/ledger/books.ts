import { sealEntry } from '@ciro/core/ledger/entry.ts';
import { JobMoney } from './job-money.ts';
import type { AccountName, EntryDraft, EntryKind, LedgerEntry } from '@ciro/core/ledger/entry.ts';
import type { LedgerEnd, LedgerTransaction } from './ledger-store.ts';

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

  creditedSince(kind: EntryKind, since: number): Promise<ReadonlyMap<AccountName, bigint>> {
    return this.#transaction.creditedSince(kind, since);
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
