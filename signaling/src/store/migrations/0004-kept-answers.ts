import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Answers under way that go on over the coordinator's end (SPEC G8). A row lives as long as its answer. */
export const keptAnswers: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table kept_answers (
      job text primary key,
      created_at bigint not null,
      asked json not null,
      jobs json not null,
      ids json not null,
      restarts bigint not null
    )`.execute(db);
  },
};
