import type { Kysely } from 'kysely';
import type { JobId } from '@ciro/core/ids.ts';
import type { Submission, Submissions } from '../jobs/job-desk.ts';
import type { Schema } from './schema.ts';

/** Requests by their clients' keys, in SQL. */
export class SqlSubmissions implements Submissions {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async keep(account: string, key: string, { job, hash, at }: Submission & { readonly at: number }, since: number): Promise<Submission> {
    await this.#db.deleteFrom('submissions').where('at', '<', since).execute();
    const kept = await this.#db.insertInto('submissions').values({ account, key, job, hash, at }).onConflict((conflict) => conflict.columns(['account', 'key']).doNothing()).returning(['job', 'hash']).executeTakeFirst();
    return kept ?? (await this.#db.selectFrom('submissions').select(['job', 'hash']).where('account', '=', account).where('key', '=', key).executeTakeFirstOrThrow());
  }

  async replace(account: string, key: string, from: JobId, to: JobId): Promise<boolean> {
    const { numUpdatedRows } = await this.#db.updateTable('submissions').set({ job: to }).where('account', '=', account).where('key', '=', key).where('job', '=', from).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async drop(account: string, key: string): Promise<void> {
    await this.#db.deleteFrom('submissions').where('account', '=', account).where('key', '=', key).execute();
  }
}
