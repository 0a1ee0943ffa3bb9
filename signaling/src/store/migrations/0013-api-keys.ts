import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Several keys of an account, each with what it may do and spend (SPEC J2 to J4). Keys that were there may do everything. */
export const apiKeys: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table api_keys
      add column id text,
      add column name text not null default 'trial',
      add column shown text not null default 'ciro-sk-',
      add column scopes json not null default '["ask","read","manage"]',
      add column budget_total numeric(78, 0) check (budget_total > 0),
      add column budget_daily numeric(78, 0) check (budget_daily > 0),
      add column expires_at bigint,
      add column revoked_at bigint,
      add column used_on bigint`.execute(db);
    await sql`update api_keys set id = substr(hash, 1, 16)`.execute(db);
    await sql`alter table api_keys alter column id set not null, add constraint api_keys_id unique (id)`.execute(db);
    await sql`create index api_keys_account on api_keys (account)`.execute(db);
    await sql`create index api_keys_revoked on api_keys (revoked_at) where revoked_at is not null`.execute(db);
    await sql`create table key_jobs (
      job text primary key,
      key text not null,
      day bigint not null
    )`.execute(db);
    await sql`create table key_spending (
      key text not null,
      day bigint not null,
      amount numeric(78, 0) not null,
      primary key (key, day)
    )`.execute(db);
  },
};
