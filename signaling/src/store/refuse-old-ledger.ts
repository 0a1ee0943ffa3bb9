import { GENESIS_HASH, sealEntry } from '@ciro/core/ledger/entry.ts';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { SqlLedgerStore } from './sql-ledger-store.ts';
import { StoreError } from './store-error.ts';
import type { Schema } from './schema.ts';

/**
 * Throws `outdated` when the ledger's first entry does not have the hash that this version gives it: entries written as
 * `ciro/ledger/1` hash otherwise, and nothing appended to them could ever be verified. Changes nothing, and is asked before
 * any migration, so that the version which wrote the database can still open it.
 */
export async function refuseOldLedger(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ there: boolean }>`select to_regclass('ledger_entries') is not null as there`.execute(db);
  if (rows[0]?.there !== true) return;
  const [first] = await new SqlLedgerStore(db).entriesFrom(0, 1);
  if (first === undefined || sealEntry(first, 0, GENESIS_HASH).hash === first.hash) return;
  const message = 'the ledger in this database was written by another version of Ciro (its first entry does not have the hash of ciro/ledger/2), and there is no way to carry it over; run that version, or start anew with another data folder or DATABASE_URL';
  throw new StoreError('outdated', message, { fault: 'user', fields: { hash: first.hash } });
}
