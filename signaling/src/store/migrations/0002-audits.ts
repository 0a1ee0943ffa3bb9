import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Standings, audits and what they looked at; how an answer was assured. Audits were counted with nodes before, and were all 0. */
export const audits: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table standings (
      node_id text primary key,
      passed bigint not null,
      successful_audits bigint not null,
      failed_audits bigint not null,
      suspicion double precision not null,
      demoted_at double precision,
      first_seen double precision not null
    )`.execute(db);
    await sql`create index standings_demoted on standings (demoted_at desc) where demoted_at is not null`.execute(db);
    await sql`insert into standings select node_id, 0, 0, 0, 0, null, first_seen from nodes`.execute(db);
    await sql`alter table nodes
      drop column successful_audits,
      drop column failed_audits,
      add column jobs_served bigint not null default 0,
      add column jobs_failed bigint not null default 0`.execute(db);
    await sql`create table audit_draws (
      job text primary key,
      draw json not null
    )`.execute(db);
    await sql`create table audit_transcripts (
      number bigint generated always as identity primary key,
      job text not null,
      stage smallint not null,
      transcript json not null,
      unique (job, stage)
    )`.execute(db);
    await sql`create table audit_pieces (
      job text not null,
      sha256 text not null,
      saved_at double precision not null,
      bytes bytea not null,
      primary key (job, sha256)
    )`.execute(db);
    // Floats do not compress: trying to costs time at every piece.
    await sql`alter table audit_pieces alter column bytes set storage external`.execute(db);
    await sql`create index audit_pieces_by_age on audit_pieces (saved_at)`.execute(db);
    // Jobs from before audits are decided: nobody has their rows any more.
    await sql`alter table jobs
      add column assurance text not null default 'stream' check (assurance in ('stream', 'checked')),
      add column corrects text,
      add column decided boolean not null default true`.execute(db);
    await sql`alter table jobs alter column decided set default false`.execute(db);
    await sql`create index jobs_correcting on jobs (corrects) where corrects is not null`.execute(db);
    await sql`create index jobs_undecided on jobs (created_at) where state = 'recorded' and not decided`.execute(db);
  },
};
