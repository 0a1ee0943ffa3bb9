import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { InstanceSays, InstanceStore, StoredInstance } from '../cluster/instance.ts';
import type { Schema } from './schema.ts';

/** Connections of the process behind an instance, as the server sees them: while one is open, it may still write. */
const isAlive = sql<boolean>`exists (select 1 from pg_stat_activity a where a.datname = current_database() and a.application_name = instances.name)`;

/** Instances in SQL; who is alive is what PostgreSQL knows of its own connections, which are all of one database user. */
export class SqlInstances implements InstanceStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async enter({ name, url, publicKey }: { readonly name: string; readonly url: string; readonly publicKey: string }): Promise<number> {
    return (await this.#db.insertInto('instances').values({ name, url, public_key: publicKey }).returning('number').executeTakeFirstOrThrow()).number;
  }

  async say(number: number, says: InstanceSays): Promise<void> {
    await this.#db.updateTable('instances').set(says).where('number', '=', number).execute();
  }

  async list(): Promise<StoredInstance[]> {
    const rows = await this.#db.selectFrom('instances').selectAll().select(isAlive.as('alive')).orderBy('number').execute();
    return rows.map(({ number, url, alive, successor, draining, leads, workers, missing, rings, jobs }) => ({ number, url, alive, successor, said: { draining, leads, workers, missing, rings, jobs } }));
  }

  async publicKeyOfOthers(number: number): Promise<string | undefined> {
    return (await this.#db.selectFrom('instances').select('public_key').where('number', '!=', number).where(isAlive).executeTakeFirst())?.public_key;
  }

  async succeed(numbers: readonly number[], by: number): Promise<void> {
    await this.#db.updateTable('instances').set({ successor: by }).where('number', 'in', numbers).execute();
  }
}
