import type { AccountName, EntryKind, LedgerEntry } from '@ciro/core/ledger/entry.ts';
import type { Spender, Spent } from './key-spending.ts';

/** End of the chain: number of the next entry, and the hash it has to name as its previous one. */
export interface LedgerEnd {
  readonly sequence: number;
  readonly hash: string;
}

/** What may be asked and done while the end of the chain is locked. Every answer counts in what the transaction has appended. */
export interface LedgerTransaction {
  readonly end: LedgerEnd;
  entryByKey(key: string): Promise<LedgerEntry | undefined>;
  entriesOfJob(job: string): Promise<readonly LedgerEntry[]>;
  /** Balances in base units; an account without entries has 0. */
  balances(accounts: readonly AccountName[]): Promise<ReadonlyMap<AccountName, bigint>>;
  allBalances(): Promise<ReadonlyMap<AccountName, bigint>>;
  /** Base units that entries of a kind, booked at `since` (epoch milliseconds) or later, have given to each account. */
  creditedSince(kind: EntryKind, since: number): Promise<ReadonlyMap<AccountName, bigint>>;
  /** From now on what a job costs its requester counts as spent by this key. */
  assign(job: string, spender: Spender): Promise<void>;
  /** Whose key a job was asked by, if by one that is counted. */
  spenderOf(job: string): Promise<Spender | undefined>;
  /** `day`: first millisecond of a UTC day. */
  spentBy(key: string, day: number): Promise<Spent>;
  /** Appends the entry behind the end, moves the balances, and counts for the key of its job what it takes from its requester (`spentOf`). */
  append(entry: LedgerEntry): Promise<void>;
}

/**
 * Port: where the chain is kept. Everything of one `exclusive` call is stored, or nothing; calls run one after the other,
 * over all coordinators of one database. The store itself refuses a key twice and a negative balance (except of `issued`).
 */
export interface LedgerStore {
  exclusive<T>(work: (transaction: LedgerTransaction) => Promise<T>): Promise<T>;
  end(): Promise<LedgerEnd>;
  balances(accounts: readonly AccountName[]): Promise<ReadonlyMap<AccountName, bigint>>;
  entryByKey(key: string): Promise<LedgerEntry | undefined>;
  /** In order. */
  entriesOfJob(job: string): Promise<readonly LedgerEntry[]>;
  /** Entries from `sequence` on, in order, at most `limit`. */
  entriesFrom(sequence: number, limit: number): Promise<readonly LedgerEntry[]>;
  /** Jobs whose hold is neither charged nor released. */
  openHolds(): Promise<readonly string[]>;
  allBalances(): Promise<ReadonlyMap<AccountName, bigint>>;
  /** `day`: first millisecond of a UTC day. */
  spentBy(key: string, day: number): Promise<Spent>;
}
