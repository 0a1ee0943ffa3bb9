import type { Kysely, Selectable } from 'kysely';
import type { PerformanceData } from '@ciro/core/settlement/performance.ts';
import type { PerformanceStore, StoredPerformance } from '../settlement/performance-ports.ts';
import type { Schema } from './schema.ts';

/** Performance of epochs in SQL. What was computed is written once; only where it stands changes. */
export class SqlPerformanceStore implements PerformanceStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async newest(): Promise<StoredPerformance | undefined> {
    const row = await this.#db.selectFrom('performance_epochs').selectAll().orderBy('epoch', 'desc').limit(1).executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  async find(epoch: number): Promise<StoredPerformance | undefined> {
    const row = await this.#db.selectFrom('performance_epochs').selectAll().where('epoch', '=', epoch).executeTakeFirst();
    return row === undefined ? undefined : storedOf(row);
  }

  add(data: PerformanceData, dropTo: number): Promise<void> {
    return this.#db.transaction().execute(async (tx) => {
      await tx.insertInto('performance_epochs').values({ epoch: data.epoch, data: JSON.stringify(data), transaction: null, posted_at: null }).onConflict((conflict) => conflict.doNothing()).execute();
      await tx.deleteFrom('performance_epochs').where('epoch', '<=', dropTo).execute();
    });
  }

  async mark(epoch: number, transaction: string, postedAt: number): Promise<void> {
    await this.#db.updateTable('performance_epochs').set({ transaction, posted_at: Math.floor(postedAt) }).where('epoch', '=', epoch).execute();
  }
}

const storedOf = ({ data, transaction, posted_at: postedAt }: Selectable<Schema['performance_epochs']>): StoredPerformance => ({ data, transaction, postedAt });
