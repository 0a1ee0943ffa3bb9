import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** How often: between two times the write-ahead log grows by what was written, and a crash has that much to read again. */
const HOUSEKEEPING_MS = 5 * 60_000;
/** Tables whose rows are changed over and over, or deleted after a day; the others only grow. */
const CHANGING_TABLES = ['ledger_head', 'balances', 'nodes', 'standings', 'audit_pieces'] as const;

/**
 * What PostgreSQL's background processes do and PGlite, a single process, does not: without checkpoints the write-ahead log
 * grows for as long as the coordinator runs (measured: 240 MB, whatever max_wal_size says). Takes about 0.1 s.
 */
export async function tidy(db: Kysely<Schema>): Promise<void> {
  for (const table of CHANGING_TABLES) await sql`vacuum ${sql.table(table)}`.execute(db);
  await sql`checkpoint`.execute(db);
}

/** Tidies now and then until the returned function is called, which waits for a round that is under way. */
export function keepHouse(db: Kysely<Schema>, options: { readonly onError: (error: Error) => void }): () => Promise<void> {
  let round: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    round = tidy(db).catch((cause: unknown) => options.onError(new Error('the database could not be tidied; it is tried again later', { cause })));
  }, HOUSEKEEPING_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return round;
  };
}
