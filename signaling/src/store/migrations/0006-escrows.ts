import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Jobs that a contract pays for, and what waits until it has (SPEC N4, N5). */
export const escrows: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table escrows (
      id text primary key,
      job text not null unique,
      accepted_at double precision not null,
      state text not null check (state in ('accepted', 'started', 'answered', 'settled', 'refunded')),
      budget numeric(78, 0) not null check (budget > 0),
      deadline bigint not null,
      result_root text,
      used numeric(78, 0),
      sent json not null
    )`.execute(db);
    await sql`create index escrows_open on escrows (accepted_at) where state not in ('settled', 'refunded')`.execute(db);
    await sql`create table escrow_deferred (
      cause text primary key,
      escrow text not null references escrows (id),
      place bigint generated always as identity,
      kind text not null check (kind in ('payable', 'audit')),
      job text not null,
      node_id text not null,
      audit text,
      amount numeric(78, 0) not null
    )`.execute(db);
  },
};
