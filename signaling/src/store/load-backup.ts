import { sql } from 'kysely';
import { verifyChain } from '../ledger/verify-chain.ts';
import { catalogOf } from './database-catalog.ts';
import { migrate, MIGRATION_NAMES } from './migrate.ts';
import { readBackup } from './read-backup.ts';
import { SqlLedgerStore } from './sql-ledger-store.ts';
import { StoreError } from './store-error.ts';
import type { Kysely } from 'kysely';
import type { BackupHeader } from './backup-format.ts';
import type { CatalogTable } from './database-catalog.ts';
import type { Schema } from './schema.ts';

/** Rows and characters that go in one statement. */
const BATCH_ROWS = 200;
const BATCH_CHARACTERS = 4_000_000;

/** Refuses a backup of a version that this one does not know; throws `outdated`. */
export function refuseNewer({ migrations }: BackupHeader): void {
  const unknown = migrations.filter((name, index) => MIGRATION_NAMES[index] !== name);
  if (unknown.length > 0) throw new StoreError('outdated', `the backup was made by a version with other tables (${unknown[0]}); restore it with that version, or a newer one`, { fault: 'user' });
}

/**
 * Fills an empty database from a backup: makes the tables that it was made of, loads its rows, brings them to this version's, and walks the whole
 * chain of the ledger. Throws `damaged-backup`, `outdated`, LedgerError `broken-chain`; the database is of no use then.
 */
export async function loadBackup(db: Kysely<Schema>, path: string): Promise<void> {
  let header: BackupHeader | undefined;
  let tables: ReadonlyMap<string, CatalogTable> = new Map();
  let batch: Batch | undefined;
  for await (const part of readBackup(path)) {
    if ('header' in part) {
      ({ header } = part);
      refuseNewer(header);
      await migrate(db, header.migrations.at(-1));
      const found = await catalogOf(db);
      tables = new Map(found.map((table) => [table.name, table]));
      // Some tables have rows from the beginning.
      await sql`truncate ${sql.join(found.map(({ name }) => sql.table(name)))}`.execute(db);
    } else if ('table' in part) {
      await batch?.flush();
      batch = new Batch(db, wanted(tables, part.table.table, part.table.columns));
    } else await batch?.add(part.row);
  }
  await batch?.flush();
  for (const table of tables.values()) await countOn(db, table);
  await migrate(db);
  const end = await verifyChain(new SqlLedgerStore(db));
  if (end.sequence === header?.ledger.sequence && end.hash === header.ledger.hash) return;
  throw new StoreError('damaged-backup', `the ledger in ${path} ends with entry ${end.sequence} (${end.hash}), and its header names ${header?.ledger.sequence} (${header?.ledger.hash}); nothing was changed, use another copy`, { fault: 'user' });
}

/** The table with these columns, in this order; names are those of the database, never of the file. */
function wanted(tables: ReadonlyMap<string, CatalogTable>, name: string, columns: readonly string[]): CatalogTable {
  const table = tables.get(name);
  const found = columns.flatMap((column) => table?.columns.find((each) => each.name === column) ?? []);
  if (table !== undefined && found.length === columns.length && found.length === table.columns.length && new Set(found).size === found.length) return { name: table.name, columns: found };
  throw new StoreError('damaged-backup', `the backup has a table ${name} (${columns.join(', ')}) that its version never had; use another copy`, { fault: 'user' });
}

/** Rows of one table on their way. */
class Batch {
  readonly #db: Kysely<Schema>;
  readonly #table: CatalogTable;
  #rows: (readonly (string | null)[])[] = [];
  #characters = 0;

  constructor(db: Kysely<Schema>, table: CatalogTable) {
    this.#db = db;
    this.#table = table;
  }

  async add(row: readonly (string | null)[]): Promise<void> {
    this.#rows.push(row);
    for (const value of row) this.#characters += value?.length ?? 0;
    if (this.#rows.length >= BATCH_ROWS || this.#characters >= BATCH_CHARACTERS) await this.flush();
  }

  async flush(): Promise<void> {
    const rows = this.#rows;
    if (rows.length === 0) return;
    this.#rows = [];
    this.#characters = 0;
    const { name, columns } = this.#table;
    const names = sql.join(columns.map((column) => sql.ref(column.name)));
    const values = sql.join(columns.map(({ type }, index) => sql`(each ->> ${sql.lit(index)})::${sql.raw(type)}`));
    await sql`insert into ${sql.table(name)} (${names}) overriding system value select ${values} from json_array_elements(${JSON.stringify(rows)}::json) as each`.execute(this.#db);
  }
}

/** Lets the database number on behind the rows that were loaded. */
async function countOn(db: Kysely<Schema>, { name, columns }: CatalogTable): Promise<void> {
  for (const { name: column, identity } of columns) {
    if (identity) await sql`select setval(pg_get_serial_sequence(${name}, ${column}), coalesce(max(${sql.ref(column)}), 0) + 1, false) from ${sql.table(name)}`.execute(db);
  }
}
