import { requesterOf, PURSES } from './accounts-of.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';
import type { Movement, StatementStore } from './statement-store.ts';

/** Entries of one page: about 0.3 MB as JSON. Who wants more asks from the last one on. */
export const MAX_STATEMENT_ENTRIES = 500;

/** Whose statement it is: an account of the API, or a worker by its node id. */
export type StatementHolder = { readonly requester: string } | { readonly worker: string };

/** Half-open, epoch milliseconds; without an end it is open there. */
export interface StatementRange {
  readonly from?: number;
  readonly to?: number;
  /** Number of the last entry of the page before. */
  readonly after?: number;
  /** Entries wanted, at most MAX_STATEMENT_ENTRIES. */
  readonly limit?: number;
}

/** A movement of one purse, and what was in that purse after it. Base units. */
export interface StatementRow extends Omit<Movement, 'account'> {
  readonly purse: string;
  readonly balance: bigint;
}

/** A page of a statement: of every purse, opening + sum of its rows = closing (SPEC M12). */
export interface StatementPage {
  readonly opening: ReadonlyMap<string, bigint>;
  readonly rows: readonly StatementRow[];
  readonly closing: ReadonlyMap<string, bigint>;
  /** What the next page is asked with as `after`; undefined when this is the last one. */
  readonly next: number | undefined;
}

/** What every requester and worker may read of the ledger: its own entries (SPEC M12). */
export class AccountStatements {
  readonly #store: StatementStore;

  constructor(store: StatementStore) {
    this.#store = store;
  }

  /**
   * A page of the entries between the first that was booked at `from` or later and the first that was booked at `to` or later: a stretch of the
   * chain even where clocks went back.
   */
  async page(holder: StatementHolder, { from, to, after, limit = MAX_STATEMENT_ENTRIES }: StatementRange): Promise<StatementPage> {
    const { sequence: end } = await this.#store.end();
    const purses = await this.#purses(holder);
    const accounts = [...purses.keys()];
    if (accounts.length === 0) return { opening: new Map(), rows: [], closing: new Map(), next: undefined };
    const first = from === undefined ? 0 : ((await this.#store.firstSince(accounts, from)) ?? end);
    const last = to === undefined ? end : Math.min(end, (await this.#store.firstSince(accounts, to)) ?? end);
    const start = Math.min(last, Math.max(first, after === undefined ? 0 : after + 1));
    const entries = Math.min(limit, MAX_STATEMENT_ENTRIES);
    const found = await this.#store.movements(accounts, { from: start, to: last, entries: entries + 1 });
    const numbers = [...new Set(found.map(({ sequence }) => sequence))];
    const next = numbers.length > entries ? numbers[entries - 1] : undefined;
    const shown = next === undefined ? found : found.filter(({ sequence }) => sequence <= next);
    const before = await this.#store.balancesBefore(accounts, start);
    const opening = new Map(accounts.map((account) => [purses.get(account) ?? account, before.get(account) ?? 0n]));
    const closing = new Map(opening);
    const rows = shown.map(({ account, ...moved }): StatementRow => {
      const purse = purses.get(account) ?? account;
      const balance = (closing.get(purse) ?? 0n) + moved.amount;
      closing.set(purse, balance);
      return { ...moved, purse, balance };
    });
    return { opening, rows, closing, next };
  }

  /** The holder's accounts, and what each is called in its statement. */
  async #purses(holder: StatementHolder): Promise<ReadonlyMap<AccountName, string>> {
    if ('requester' in holder) return new Map(PURSES.map((purse) => [requesterOf(holder.requester, purse), purse]));
    const prefix = `worker:${holder.worker}:`;
    return new Map((await this.#store.accountsUnder(prefix)).map((account) => [account, account.slice(prefix.length)]));
  }
}
