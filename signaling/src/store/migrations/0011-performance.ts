import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What workers did up to an epoch, as it is published and posted to the pool (SPEC X11). */
export const performance: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table performance_epochs (
      epoch bigint primary key check (epoch > 0),
      data json not null,
      transaction text,
      posted_at bigint
    )`.execute(db);
  },
};
