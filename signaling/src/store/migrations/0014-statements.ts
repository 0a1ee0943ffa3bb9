import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A statement reads the lines of one holder's accounts in order (SPEC M12). */
export const statements: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index ledger_lines_by_account on ledger_lines (account, sequence)`.execute(db);
  },
};
