import type { AccountStore, StoredKey } from './account-store.ts';

/** Keys in memory, for tests. */
export class MemoryAccountStore implements AccountStore {
  readonly keys = new Map<string, StoredKey>();

  async addKey(key: StoredKey): Promise<void> {
    this.keys.set(key.hash, key);
  }
  async removeKey(hash: string): Promise<void> {
    this.keys.delete(hash);
  }
  async keyOf(hash: string): Promise<StoredKey | undefined> {
    return this.keys.get(hash);
  }
  async keysOf(account: string): Promise<StoredKey[]> {
    return [...this.keys.values()].filter((key) => key.account === account && key.revokedAt === null);
  }
  async revokeKey(account: string, id: string, at: number): Promise<boolean> {
    const found = (await this.keysOf(account)).find((key) => key.id === id);
    if (found !== undefined) this.keys.set(found.hash, { ...found, revokedAt: at });
    return found !== undefined;
  }
  async revokedSince(since: number): Promise<string[]> {
    return [...this.keys.values()].filter(({ revokedAt }) => revokedAt !== null && revokedAt >= since).map(({ id }) => id);
  }
  async usedKey(id: string, on: number): Promise<void> {
    for (const [hash, key] of this.keys) if (key.id === id) this.keys.set(hash, { ...key, usedOn: on });
  }
}
