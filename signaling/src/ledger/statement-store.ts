import type { AccountName, EntryKind } from '@ciro/core/ledger/entry.ts';
import type { LedgerEnd } from './ledger-store.ts';

/** What one entry moved on one account: its lines there, summed. Amount in base units. */
export interface Movement {
  readonly sequence: number;
  readonly key: string;
  readonly kind: EntryKind;
  readonly job: string | null;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly account: AccountName;
  readonly amount: bigint;
}

/** Port: the history of accounts (SPEC M12). Entries never change, so what lies before an end that was read once stays the same. */
export interface StatementStore {
  end(): Promise<LedgerEnd>;
  /** Accounts whose names begin so, by name. */
  accountsUnder(prefix: string): Promise<readonly AccountName[]>;
  /** Number of the first entry with a line on these accounts that was booked at `at` (epoch milliseconds) or later. */
  firstSince(accounts: readonly AccountName[], at: number): Promise<number | undefined>;
  /** Balances after all entries before `sequence`; 0 where there were none. */
  balancesBefore(accounts: readonly AccountName[], sequence: number): Promise<ReadonlyMap<AccountName, bigint>>;
  /** Movements of the first `entries` entries from `from` on and before `to` that have a line on these accounts, by entry and then by account. */
  movements(accounts: readonly AccountName[], range: { readonly from: number; readonly to: number; readonly entries: number }): Promise<readonly Movement[]>;
}
