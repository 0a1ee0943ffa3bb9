import { GENESIS_HASH, LedgerError } from '@ciro/core/ledger/entry.ts';
import type { AccountName, LedgerEntry } from '@ciro/core/ledger/entry.ts';
import { spentOf } from './key-spending.ts';
import type { Spender, Spent } from './key-spending.ts';
import type { LedgerEnd, LedgerStore, LedgerTransaction } from './ledger-store.ts';

/** A ledger store in memory for tests. `crash` is asked before each step of a transaction; what it throws undoes the transaction. */
export class MemoryLedgerStore implements LedgerStore {
  readonly entries: LedgerEntry[] = [];
  #balances = new Map<AccountName, bigint>();
  #spenders = new Map<string, Spender>();
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
    const entries = [...this.entries];
    const balances = new Map(this.#balances);
    const spenders = new Map(this.#spenders);
    const result = await work({
      get end() {
        return endOf(entries);
      },
      entryByKey: async (key) => entries.find((entry) => entry.key === key),
      entriesOfJob: async (job) => entries.filter((entry) => entry.job === job),
      balances: async (accounts) => {
        this.#crash('balances');
        return new Map(accounts.map((account) => [account, balances.get(account) ?? 0n]));
      },
      allBalances: async () => new Map(balances),
      creditedSince: async (wanted, since) => {
        const sums = new Map<AccountName, bigint>();
        for (const { account, amount } of entries.filter(({ kind, at }) => kind === wanted && at >= since).flatMap(({ lines }) => lines)) if (amount > 0n) sums.set(account, (sums.get(account) ?? 0n) + amount);
        return sums;
      },
      assign: async (job, spender) => void spenders.set(job, spender),
      spenderOf: async (job) => spenders.get(job),
      spentBy: async (key, day) => spentIn(entries, spenders, key, day),
      append: async (entry) => {
        this.#crash('append');
        if (entries.some(({ key }) => key === entry.key)) throw new LedgerError('duplicate', `key ${entry.key} is booked`, { fault: 'bug' });
        const { sequence, hash } = endOf(entries);
        if (entry.sequence !== sequence || entry.previous !== hash) throw new LedgerError('broken-chain', `entry ${entry.key} does not follow`, { fault: 'bug' });
        for (const { account, amount } of entry.lines) balances.set(account, (balances.get(account) ?? 0n) + amount);
        for (const { account } of entry.lines) if (account !== 'issued' && (balances.get(account) ?? 0n) < 0n) throw new LedgerError('insufficient', `${account} would be negative`, { fault: 'bug' });
        entries.push(entry);
      },
    });
    this.#crash('commit');
    this.entries.push(...entries.slice(this.entries.length));
    this.#balances = balances;
    this.#spenders = spenders;
    return result;
  }

  async end(): Promise<LedgerEnd> {
    return endOf(this.entries);
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
  async spentBy(key: string, day: number): Promise<Spent> {
    return spentIn(this.entries, this.#spenders, key, day);
  }
}

const endOf = (entries: readonly LedgerEntry[]): LedgerEnd => ({ sequence: entries.length, hash: entries.at(-1)?.hash ?? GENESIS_HASH });

/** From the entries themselves: what is counted as they come must agree with it. */
function spentIn(entries: readonly LedgerEntry[], spenders: ReadonlyMap<string, Spender>, key: string, day: number): Spent {
  const counted = entries.flatMap((entry) => {
    const spender = spenders.get(entry.job ?? '');
    return spender?.key === key ? [{ day: spender.day, spent: spentOf(entry) }] : [];
  });
  const sum = (of: typeof counted): bigint => of.reduce((all, { spent }) => all + spent, 0n);
  return { total: sum(counted), day: sum(counted.filter((each) => each.day === day)) };
}
