import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Ledger, keys, jobs and nodes. The constraints hold what the ledger promises even against a bug in it: keys once, no debt. */
export const firstTables: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table ledger_head (
      id smallint primary key check (id = 1),
      sequence bigint not null,
      hash text not null
    )`.execute(db);
    await sql`insert into ledger_head (id, sequence, hash) values (1, 0, repeat('0', 64))`.execute(db);
    await sql`create table ledger_entries (
      sequence bigint primary key,
      key text not null unique,
      kind text not null,
      job text,
      at bigint not null,
      previous text not null unique,
      hash text not null unique
    )`.execute(db);
    await sql`create index ledger_entries_by_job on ledger_entries (job) where job is not null`.execute(db);
    await sql`create index ledger_entries_trials on ledger_entries (at) where kind = 'trial'`.execute(db);
    await sql`create table ledger_lines (
      sequence bigint not null references ledger_entries (sequence),
      line smallint not null,
      account text not null,
      amount numeric(78, 0) not null,
      primary key (sequence, line)
    )`.execute(db);
    await sql`create table balances (
      account text primary key,
      amount numeric(78, 0) not null,
      constraint no_debt check (amount >= 0 or account = 'issued')
    )`.execute(db);
    await sql`create table api_keys (
      hash text primary key,
      account text not null,
      created_at bigint not null
    )`.execute(db);
    await sql`create table jobs (
      job text primary key,
      account text not null,
      model_id text not null,
      created_at bigint not null,
      state text not null check (state in ('running', 'failed', 'recorded')),
      failure json,
      record json,
      text text
    )`.execute(db);
    await sql`create index jobs_running on jobs (job) where state = 'running'`.execute(db);
    await sql`create table nodes (
      node_id text primary key,
      public_key text not null,
      first_seen double precision not null,
      last_seen double precision not null,
      connected_ms double precision not null,
      latency_total_ms double precision not null,
      latency_samples bigint not null,
      compute_contributed double precision not null,
      successful_audits bigint not null,
      failed_audits bigint not null
    )`.execute(db);
    await sql`create index nodes_by_last_seen on nodes (last_seen desc)`.execute(db);
  },
};
