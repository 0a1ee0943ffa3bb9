import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { sql } from 'kysely';
import { BACKUP_FORMAT } from './backup-format.ts';
import { catalogOf, migrationsOf } from './database-catalog.ts';
import { SqlLedgerStore } from './sql-ledger-store.ts';
import { StoreError } from './store-error.ts';
import type { Kysely, Transaction } from 'kysely';
import type { BackupHeader, EndLine, TableLine } from './backup-format.ts';
import type { CatalogTable } from './database-catalog.ts';
import type { Schema } from './schema.ts';

/** Rows that are fetched at a time: the largest, an epoch of 100,000 payees, is 15 MB. */
const FETCH_ROWS = 100;
/** It holds the coordinator's private key. */
const OWNER_ONLY = 0o600;

/** What a backup holds. */
export interface BackupSummary {
  readonly ledger: BackupHeader['ledger'];
  readonly createdAt: number;
  /** Rows by table. */
  readonly rows: EndLine['end'];
}

export interface WriteBackupOptions {
  readonly path: string;
  readonly files: BackupHeader['files'];
  readonly now: number;
  readonly signal?: AbortSignal;
}

/**
 * Writes everything a database holds to a new file, as it stood at one moment; a PostgreSQL database may be in use meanwhile. The file appears under
 * its name when it is whole. Throws `backup-exists` when there is one, `outdated` for a database without tables.
 */
export async function writeBackup(db: Kysely<Schema>, { path, files, now, signal }: WriteBackupOptions): Promise<BackupSummary> {
  const draft = `${path}.partial`;
  await refuseOther(path);
  // A draft that a crash left is nobody's.
  await rm(draft, { force: true });
  try {
    const summary = await db.transaction().execute(async (tx) => {
      // Every statement sees the same moment, whatever is booked meanwhile.
      await sql`set transaction isolation level repeatable read`.execute(tx);
      const migrations = await migrationsOf(tx);
      if (migrations.length === 0) throw new StoreError('outdated', 'the database has no tables of Ciro; start a coordinator on it first', { fault: 'user' });
      const { sequence, hash } = await new SqlLedgerStore(tx).end();
      const header: BackupHeader = { format: BACKUP_FORMAT, created_at: now, migrations: [...migrations], ledger: { sequence, hash }, files };
      const counts: Record<string, number> = {};
      const sink = createWriteStream(draft, { flags: 'wx', mode: OWNER_ONLY });
      await pipeline(Readable.from(linesOf(tx, header, counts)), createGzip(), sink, ...(signal ? [{ signal }] : []));
      return { ledger: header.ledger, createdAt: now, rows: counts };
    });
    await synced(draft);
    await refuseOther(path);
    await rename(draft, path);
    return summary;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function* linesOf(tx: Transaction<Schema>, header: BackupHeader, counts: Record<string, number>): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const line = (value: object): string => {
    const text = `${JSON.stringify(value)}\n`;
    hash.update(text);
    return text;
  };
  yield line(header);
  for (const table of await catalogOf(tx)) {
    yield line({ table: table.name, columns: table.columns.map(({ name }) => name) } satisfies TableLine);
    counts[table.name] = 0;
    for await (const row of rowsOf(tx, table)) {
      counts[table.name] = (counts[table.name] ?? 0) + 1;
      yield line(row);
    }
  }
  yield `${JSON.stringify({ end: counts, sha256: hash.digest('hex') } satisfies EndLine)}\n`;
}

async function* rowsOf(tx: Transaction<Schema>, { name, columns }: CatalogTable): AsyncGenerator<(string | null)[]> {
  const fields = sql.join(columns.map((column) => sql`${sql.ref(column.name)}::text`));
  await sql`declare backup_rows no scroll cursor for select json_build_array(${fields})::text as row from ${sql.table(name)}`.execute(tx);
  for (;;) {
    const { rows } = await sql<{ row: string }>`fetch ${sql.lit(FETCH_ROWS)} from backup_rows`.execute(tx);
    for (const { row } of rows) yield JSON.parse(row) as (string | null)[];
    if (rows.length < FETCH_ROWS) break;
  }
  await sql`close backup_rows`.execute(tx);
}

async function refuseOther(path: string): Promise<void> {
  const found = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  await found?.close();
  if (found !== undefined) throw new StoreError('backup-exists', `${path} is there already; name a new file, no backup is written over another`, { fault: 'user' });
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.sync();
  await file.close();
}
