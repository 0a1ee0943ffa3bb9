import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Payout accounts that workers changed to, and the signed changes (SPEC Y9, Y10). */
export const payoutLinks: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table payout_links (
      node_id text primary key,
      account text not null,
      since bigint not null,
      kept json not null
    )`.execute(db);
    await sql`create table payout_changes (
      node_id text not null,
      nonce bigint not null check (nonce > 0),
      change json not null,
      identity_signature text,
      wallet_signature json,
      asked_at bigint not null,
      from_at bigint not null,
      state text not null check (state in ('waiting', 'applied', 'dropped')),
      primary key (node_id, nonce)
    )`.execute(db);
    await sql`create unique index payout_changes_waiting on payout_changes (node_id) where state = 'waiting'`.execute(db);
  },
};
