import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The day's promotions are summed before each one (SPEC M11). What was payable before there were any stays payable. */
export const promotions: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index ledger_entries_promotions on ledger_entries (at) where kind = 'promotion'`.execute(db);
  },
};
