import { GENESIS_HASH, LedgerError } from '@ciro/core/ledger/entry.ts';
import type { AccountName, LedgerEntry } from '@ciro/core/ledger/entry.ts';
import type { LedgerStore, LedgerTransaction } from './ledger-store.ts';

/** A ledger store in memory for tests. `crash` is asked before each step of a transaction; what it throws undoes the transaction. */
export class MemoryLedgerStore implements LedgerStore {
  readonly entries: LedgerEntry[] = [];
  readonly #balances = new Map<AccountName, bigint>();
  readonly #crash: (step: string) => void;
  #last: Promise<unknown> = Promise.resolve();

  constructor(crash: (step: string) => void = () => undefined) {
    this.#crash = crash;
  }

  exclusive<T>(work: (transaction: LedgerTransaction) => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#transact(work));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #transact<T>(work: (transaction: LedgerTransaction) => Promise<T>): Promise<T> {
    let appended: LedgerEntry | undefined;
    const previous = this.entries.at(-1);
    const result = await work({
      head: { sequence: this.entries.length, hash: previous?.hash ?? GENESIS_HASH },
      entryByKey: (key) => this.entryByKey(key),
      balances: (accounts) => this.balances(accounts),
      trialsSince: async (since) => this.entries.filter(({ kind, at }) => kind === 'trial' && at >= since).flatMap(({ lines }) => lines).reduce((sum, { amount }) => sum + (amount > 0n ? amount : 0n), 0n),
      append: async (entry) => {
        this.#crash('append');
        if (this.entries.some(({ key }) => key === entry.key)) throw new LedgerError('duplicate', `key ${entry.key} is booked`, { fault: 'bug' });
        for (const { account, amount } of entry.lines) {
          if (account !== 'issued' && (this.#balances.get(account) ?? 0n) + amount < 0n) throw new LedgerError('insufficient', `${account} would be negative`, { fault: 'bug' });
        }
        appended = entry;
      },
    });
    this.#crash('commit');
    if (appended !== undefined) {
      this.entries.push(appended);
      for (const { account, amount } of appended.lines) this.#balances.set(account, (this.#balances.get(account) ?? 0n) + amount);
    }
    return result;
  }

  async balances(accounts: readonly AccountName[]): Promise<ReadonlyMap<AccountName, bigint>> {
    this.#crash('balances');
    return new Map(accounts.map((account) => [account, this.#balances.get(account) ?? 0n]));
  }
  async entryByKey(key: string): Promise<LedgerEntry | undefined> {
    return this.entries.find((entry) => entry.key === key);
  }
  async entriesOfJob(job: string): Promise<readonly LedgerEntry[]> {
    return this.entries.filter((entry) => entry.job === job);
  }
  async entriesFrom(sequence: number, limit: number): Promise<readonly LedgerEntry[]> {
    return this.entries.slice(sequence, sequence + limit);
  }
  async openHolds(): Promise<readonly string[]> {
    return [...this.#balances].flatMap(([account, amount]) => (account.startsWith('hold:') && amount !== 0n ? [account.slice('hold:'.length)] : []));
  }
  async allBalances(): Promise<ReadonlyMap<AccountName, bigint>> {
    return new Map(this.#balances);
  }
}
