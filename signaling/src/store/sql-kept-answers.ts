import type { Kysely } from 'kysely';
import type { JobId } from '@ciro/core/ids.ts';
import type { KeptAnswer, KeptAnswers, KeptAsked } from '../intake/kept-answer.ts';
import type { Schema } from './schema.ts';

/** What was asked, as JSON has it: ids in a plain list. */
export type StoredAsked = Omit<KeptAsked, 'order'> & { readonly order: Omit<KeptAsked['order'], 'promptIds'> & { readonly promptIds: readonly number[] } };

/** Answers under way in SQL. */
export class SqlKeptAnswers implements KeptAnswers {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async begin({ order, ...asked }: KeptAsked): Promise<void> {
    const stored: StoredAsked = { ...asked, order: { ...order, promptIds: [...order.promptIds] } };
    await this.#db.insertInto('kept_answers').values({ job: order.job, created_at: asked.createdAt, asked: JSON.stringify(stored), jobs: '[]', ids: '[]', restarts: 0 }).execute();
  }

  async progress(first: JobId, jobs: readonly JobId[], ids: readonly number[]): Promise<void> {
    await this.#db.updateTable('kept_answers').set({ jobs: JSON.stringify(jobs), ids: JSON.stringify(ids) }).where('job', '=', first).execute();
  }

  async restarted(first: JobId): Promise<void> {
    await this.#db.updateTable('kept_answers').set(({ eb }) => ({ restarts: eb('restarts', '+', 1) })).where('job', '=', first).execute();
  }

  async end(first: JobId): Promise<void> {
    await this.#db.deleteFrom('kept_answers').where('job', '=', first).execute();
  }

  async list(): Promise<KeptAnswer[]> {
    const rows = await this.#db.selectFrom('kept_answers').selectAll().orderBy('created_at').orderBy('job').execute();
    return rows.map(({ asked: { order, ...asked }, jobs, ids, restarts }) => ({ asked: { ...asked, order: { ...order, promptIds: Uint32Array.from(order.promptIds) } }, jobs, ids, restarts }));
  }
}
