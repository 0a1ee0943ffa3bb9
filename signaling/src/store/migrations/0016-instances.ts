import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Coordinators that share the database (SPEC Z1). */
export const instances: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table instances (
      number bigint generated always as identity primary key,
      name text not null unique,
      url text not null,
      public_key text not null,
      entered_at timestamptz not null default now(),
      draining boolean not null default false,
      leads boolean not null default false,
      workers integer not null default 0,
      missing integer not null default 0,
      rings integer not null default 0,
      jobs integer not null default 0,
      successor bigint references instances
    )`.execute(db);
  },
};
