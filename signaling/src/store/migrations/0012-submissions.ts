import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Requests by the key that their client gave them, and jobs of an account in their order (SPEC I20, I22). */
export const submissions: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table submissions (
      account text not null,
      key text not null,
      job text not null,
      hash text not null,
      at bigint not null,
      primary key (account, key)
    )`.execute(db);
    await sql`create index submissions_at on submissions (at)`.execute(db);
    await sql`create index jobs_of_account on jobs (account, created_at desc, job desc) where corrects is null and continues is null`.execute(db);
  },
};
