import type { Kysely } from 'kysely';
import type { AccountStore, StoredKey } from '../accounts/account-store.ts';
import type { Schema } from './schema.ts';

/** API keys in SQL. */
export class SqlAccountStore implements AccountStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async addKey({ hash, account, createdAt }: StoredKey): Promise<void> {
    await this.#db.insertInto('api_keys').values({ hash, account, created_at: createdAt }).execute();
  }

  async removeKey(hash: string): Promise<void> {
    await this.#db.deleteFrom('api_keys').where('hash', '=', hash).execute();
  }

  async accountOfKey(hash: string): Promise<string | undefined> {
    return (await this.#db.selectFrom('api_keys').select('account').where('hash', '=', hash).executeTakeFirst())?.account;
  }
}
