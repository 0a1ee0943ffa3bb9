import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Disputes: one a conviction with its case file, and rulings that standings follow once (SPEC Q3, Q4). Convictions are found by an index: they are few among many audits. */
export const disputes: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table disputes (
      number bigint generated always as identity primary key,
      job text not null,
      stage smallint not null,
      worker text not null,
      noted_at bigint not null,
      hash text unique,
      accused text,
      ref text,
      evidence text unique,
      case_file text,
      state text not null check (state in ('noted', 'unopened', 'opened', 'ruled', 'closed')),
      note text not null,
      from_block bigint,
      transaction text,
      case_id bigint,
      ruling json,
      acquitted boolean not null default false,
      unique (job, stage)
    )`.execute(db);
    await sql`create index disputes_active on disputes (number) where state in ('noted', 'opened', 'ruled')`.execute(db);
    await sql`create index audit_transcripts_failed on audit_transcripts ((transcript->>'worker'), number) where transcript->>'outcome' = 'failed'`.execute(db);
    await sql`create table standing_acquittals (
      name text primary key,
      node_id text not null,
      at double precision not null
    )`.execute(db);
  },
};
