import { sql } from 'kysely';
import type { JobId } from '@ciro/core/ids.ts';
import type { Kysely } from 'kysely';
import type { ArchivedJob, JobArchive, JobFailure, OpenedJob } from '../evidence/job-archive.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { Schema } from './schema.ts';

/** Job records in SQL. Only a running job can be closed, so the first outcome stays. */
export class SqlJobArchive implements JobArchive {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async open({ job, account, modelId, createdAt, assurance, corrects, continues }: OpenedJob): Promise<void> {
    await this.#db.insertInto('jobs').values({ job, account, model_id: modelId, created_at: createdAt, assurance, corrects, continues, state: 'running' }).onConflict((conflict) => conflict.column('job').doNothing()).execute();
  }

  async record(job: JobId, record: JobRecord, text: string): Promise<void> {
    await this.#close().set({ state: 'recorded', record: JSON.stringify(record), text }).where('job', '=', job).execute();
  }

  async fail(job: JobId, failure: JobFailure): Promise<void> {
    await this.#close().set({ state: 'failed', failure: JSON.stringify(failure) }).where('job', '=', job).execute();
  }

  async running(): Promise<JobId[]> {
    const rows = await this.#db.selectFrom('jobs').select('job').where('state', '=', 'running').execute();
    return rows.map(({ job }) => job);
  }

  async find(job: string): Promise<ArchivedJob | undefined> {
    const row = await this.#db.selectFrom('jobs').selectAll().where(sql<string>`job`, '=', job).executeTakeFirst();
    if (row === undefined) return undefined;
    const opened: OpenedJob = { job: row.job, account: row.account, modelId: row.model_id, createdAt: row.created_at, assurance: row.assurance, corrects: row.corrects, continues: row.continues };
    if (row.state === 'recorded' && row.record !== null) return { ...opened, state: 'recorded', record: row.record, text: row.text ?? '', decided: row.decided };
    if (row.state === 'failed' && row.failure !== null) return { ...opened, state: 'failed', failure: row.failure };
    return { ...opened, state: 'running' };
  }

  async correctionOf(job: string): Promise<JobId | undefined> {
    return (await this.#db.selectFrom('jobs').select('job').where(sql<string>`corrects`, '=', job).where('state', '=', 'recorded').orderBy('created_at', 'desc').executeTakeFirst())?.job;
  }

  async continuationOf(job: string): Promise<JobId | undefined> {
    return (await this.#db.selectFrom('jobs').select('job').where(sql<string>`continues`, '=', job).where('state', '=', 'recorded').orderBy('created_at', 'desc').executeTakeFirst())?.job;
  }

  async decided(job: JobId): Promise<void> {
    await this.#db.updateTable('jobs').set({ decided: true }).where('job', '=', job).where('state', '=', 'recorded').execute();
  }

  async undecided(): Promise<JobId[]> {
    const rows = await this.#db.selectFrom('jobs').select('job').where('state', '=', 'recorded').where('decided', '=', false).orderBy('created_at').orderBy('job').execute();
    return rows.map(({ job }) => job);
  }

  #close() {
    return this.#db.updateTable('jobs').where('state', '=', 'running');
  }
}
