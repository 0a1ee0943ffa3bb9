import type { Kysely, Selectable } from 'kysely';
import type { AccountStore, StoredKey } from '../accounts/account-store.ts';
import type { Schema } from './schema.ts';

/** API keys in SQL. */
export class SqlAccountStore implements AccountStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async addKey({ budget, scopes, createdAt, expiresAt, revokedAt, usedOn, ...key }: StoredKey): Promise<void> {
    const amount = (limit: bigint | null): string | null => (limit === null ? null : String(limit));
    await this.#db
      .insertInto('api_keys')
      .values({ ...key, scopes: JSON.stringify(scopes), budget_total: amount(budget.total), budget_daily: amount(budget.daily), created_at: createdAt, expires_at: expiresAt, revoked_at: revokedAt, used_on: usedOn })
      .execute();
  }

  async removeKey(hash: string): Promise<void> {
    await this.#db.deleteFrom('api_keys').where('hash', '=', hash).execute();
  }

  async keyOf(hash: string): Promise<StoredKey | undefined> {
    const row = await this.#db.selectFrom('api_keys').selectAll().where('hash', '=', hash).executeTakeFirst();
    return row === undefined ? undefined : keyOfRow(row);
  }

  async keysOf(account: string): Promise<StoredKey[]> {
    return (await this.#db.selectFrom('api_keys').selectAll().where('account', '=', account).where('revoked_at', 'is', null).orderBy('created_at').orderBy('id').execute()).map(keyOfRow);
  }

  async revokeKey(account: string, id: string, at: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db.updateTable('api_keys').set({ revoked_at: at }).where('account', '=', account).where('id', '=', id).where('revoked_at', 'is', null).executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async revokedSince(since: number): Promise<string[]> {
    return (await this.#db.selectFrom('api_keys').select('id').where('revoked_at', '>=', since).execute()).map(({ id }) => id);
  }

  async usedKey(id: string, on: number): Promise<void> {
    await this.#db.updateTable('api_keys').set({ used_on: on }).where('id', '=', id).execute();
  }
}

function keyOfRow({ id, hash, account, name, shown, scopes, budget_total, budget_daily, created_at, expires_at, revoked_at, used_on }: Selectable<Schema['api_keys']>): StoredKey {
  return { id, hash, account, name, shown, scopes, budget: { total: budget_total, daily: budget_daily }, createdAt: created_at, expiresAt: expires_at, revokedAt: revoked_at, usedOn: used_on };
}
