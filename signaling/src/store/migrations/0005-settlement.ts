import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Settlement: epochs as an outbox, the payout address that each worker keeps, and corrections (SPEC X4 to X8). */
export const settlement: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table settlement_epochs (
      epoch bigint primary key check (epoch > 0),
      closed_at bigint not null,
      summary json not null,
      data json not null,
      state text not null check (state in ('closed', 'posted', 'confirmed', 'claimable', 'vetoed')),
      transaction text,
      block_number bigint,
      block_hash text,
      posted_at bigint
    )`.execute(db);
    await sql`create table settlement_payouts (
      node_id text primary key,
      account text not null unique
    )`.execute(db);
    await sql`create table settlement_corrections (
      name text primary key,
      account text not null,
      amount numeric(78, 0) not null check (amount > 0),
      epoch bigint references settlement_epochs (epoch)
    )`.execute(db);
  },
};
