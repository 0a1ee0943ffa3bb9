import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Which job goes on from which. No answer had moved before. */
export const continuations: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table jobs add column continues text`.execute(db);
    await sql`create index jobs_continuing on jobs (continues) where continues is not null`.execute(db);
  },
};
