import { sql } from 'kysely';
import { assignJob, countSpent, spenderOf, spentBy } from './sql-key-spending.ts';
import type { AccountName, LedgerEntry } from '@ciro/core/ledger/entry.ts';
import type { Kysely, Transaction } from 'kysely';
import type { LedgerEnd, LedgerStore, LedgerTransaction } from '../ledger/ledger-store.ts';
import type { Spent } from '../ledger/key-spending.ts';
import type { Schema } from './schema.ts';

/** The chain in SQL. The head row is locked for a whole `exclusive` call, so entries are appended one after the other. */
export class SqlLedgerStore implements LedgerStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  exclusive<T>(work: (transaction: LedgerTransaction) => Promise<T>): Promise<T> {
    return this.#db.transaction().execute(async (tx) => {
      let end: LedgerEnd = await tx.selectFrom('ledger_head').select(['sequence', 'hash']).where('id', '=', 1).forUpdate().executeTakeFirstOrThrow();
      return work({
        get end() {
          return end;
        },
        entryByKey: async (key) => (await entriesWhere(tx, (entries) => entries.where('key', '=', key)))[0],
        entriesOfJob: (job) => entriesOfJob(tx, job),
        balances: (accounts) => balancesOf(tx, accounts),
        allBalances: () => allBalances(tx),
        creditedSince: async (kind, since) => {
          const rows = await tx
            .selectFrom('ledger_entries as entry')
            .innerJoin('ledger_lines as line', 'line.sequence', 'entry.sequence')
            .select(['line.account', sql<bigint>`sum(line.amount)::numeric(78, 0)`.as('given')])
            // The text itself, not a parameter: the indexes are over one kind each.
            .where('entry.kind', '=', sql.lit(kind))
            .where('entry.at', '>=', since)
            .where('line.amount', '>', sql<bigint>`0`)
            .groupBy('line.account')
            .execute();
          return new Map(rows.map(({ account, given }) => [account, given]));
        },
        assign: (job, spender) => assignJob(tx, job, spender),
        spenderOf: (job) => spenderOf(tx, job),
        spentBy: (key, day) => spentBy(tx, key, day),
        append: async (entry) => {
          await append(tx, entry);
          await countSpent(tx, entry);
          end = { sequence: entry.sequence + 1, hash: entry.hash };
        },
      });
    });
  }

  end(): Promise<LedgerEnd> {
    return this.#db.selectFrom('ledger_head').select(['sequence', 'hash']).where('id', '=', 1).executeTakeFirstOrThrow();
  }

  balances(accounts: readonly AccountName[]): Promise<ReadonlyMap<AccountName, bigint>> {
    return balancesOf(this.#db, accounts);
  }

  async entryByKey(key: string): Promise<LedgerEntry | undefined> {
    return (await entriesWhere(this.#db, (entries) => entries.where('key', '=', key)))[0];
  }

  entriesOfJob(job: string): Promise<LedgerEntry[]> {
    return entriesOfJob(this.#db, job);
  }

  entriesFrom(sequence: number, limit: number): Promise<LedgerEntry[]> {
    return entriesWhere(this.#db, (entries) => entries.where('sequence', '>=', sequence).where('sequence', '<', sequence + limit));
  }

  async openHolds(): Promise<string[]> {
    const rows = await this.#db.selectFrom('balances').select('account').where('account', 'like', 'hold:%').where('amount', '>', sql<bigint>`0`).orderBy('account').execute();
    return rows.map(({ account }) => account.slice('hold:'.length));
  }

  allBalances(): Promise<ReadonlyMap<AccountName, bigint>> {
    return allBalances(this.#db);
  }

  spentBy(key: string, day: number): Promise<Spent> {
    return spentBy(this.#db, key, day);
  }
}

async function allBalances(db: Kysely<Schema>): Promise<Map<AccountName, bigint>> {
  const rows = await db.selectFrom('balances').select(['account', 'amount']).execute();
  return new Map(rows.map(({ account, amount }) => [account, amount]));
}

async function balancesOf(db: Kysely<Schema>, accounts: readonly AccountName[]): Promise<Map<AccountName, bigint>> {
  const rows = await db.selectFrom('balances').select(['account', 'amount']).where('account', 'in', accounts).execute();
  const found = new Map(rows.map(({ account, amount }) => [account, amount]));
  return new Map(accounts.map((account) => [account, found.get(account) ?? 0n]));
}

const entriesOfJob = (db: Kysely<Schema>, job: string): Promise<LedgerEntry[]> => entriesWhere(db, (entries) => entries.where(sql<string>`job`, '=', job));

const selectEntries = (db: Kysely<Schema>) => db.selectFrom('ledger_entries').selectAll().orderBy('sequence');
type EntryQuery = ReturnType<typeof selectEntries>;

async function entriesWhere(db: Kysely<Schema>, where: (entries: EntryQuery) => EntryQuery): Promise<LedgerEntry[]> {
  const rows = await where(selectEntries(db)).execute();
  if (rows.length === 0) return [];
  const lines = await db
    .selectFrom('ledger_lines')
    .select(['sequence', 'account', 'amount'])
    .where('sequence', 'in', rows.map(({ sequence }) => sequence))
    .orderBy('sequence')
    .orderBy('line')
    .execute();
  const bySequence = Map.groupBy(lines, ({ sequence }) => sequence);
  return rows.map((row) => ({ ...row, lines: (bySequence.get(row.sequence) ?? []).map(({ account, amount }) => ({ account, amount })) }));
}

async function append(tx: Transaction<Schema>, entry: LedgerEntry): Promise<void> {
  const { lines, ...row } = entry;
  await tx.insertInto('ledger_entries').values(row).execute();
  await tx.updateTable('ledger_head').set({ sequence: entry.sequence + 1, hash: entry.hash }).where('id', '=', 1).execute();
  if (lines.length === 0) return;
  await tx
    .insertInto('ledger_lines')
    .values(lines.map(({ account, amount }, line) => ({ sequence: entry.sequence, line, account, amount: String(amount) })))
    .execute();
  // One statement an account: a worker may appear twice, and `no_debt` must see each sum once.
  const sums = new Map<AccountName, bigint>();
  for (const { account, amount } of lines) sums.set(account, (sums.get(account) ?? 0n) + amount);
  for (const [account, sum] of sums) {
    // Not an upsert: `no_debt` is checked on the row that is offered, which for a debit would be negative.
    const { numUpdatedRows } = await tx.updateTable('balances').set({ amount: sql<string>`amount + ${String(sum)}::numeric` }).where('account', '=', account).executeTakeFirst();
    if (numUpdatedRows === 0n) await tx.insertInto('balances').values({ account, amount: String(sum) }).execute();
  }
  const holds = [...sums.keys()].filter((account) => account.startsWith('hold:'));
  if (holds.length > 0) await tx.deleteFrom('balances').where('account', 'in', holds).where('amount', '=', sql<bigint>`0`).execute();
}
