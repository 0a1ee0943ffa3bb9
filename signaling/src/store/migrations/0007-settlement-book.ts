import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The contract and chain that the stored epochs are of (SPEC X10): one row. A correction stays used when its epoch is dropped. */
export const settlementBook: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table settlement_book (
      only_one boolean primary key default true check (only_one),
      chain_id text not null,
      store text not null,
      birth text not null,
      settled_before json not null
    )`.execute(db);
    await sql`alter table settlement_corrections drop constraint settlement_corrections_epoch_fkey`.execute(db);
  },
};
