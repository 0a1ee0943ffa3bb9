/** What a key lets its holder do: ask and call off questions, read what the account has, make and revoke keys. */
export type Scope = 'ask' | 'read' | 'manage';
export const SCOPES: readonly Scope[] = ['ask', 'read', 'manage'];

/** Base units that a key may spend, null where only the account's balance bounds it. What is held for a question under way counts as spent. */
export interface KeyBudget {
  /** Over its whole life. */
  readonly total: bigint | null;
  /** In one UTC day: the one in which a question was asked. */
  readonly daily: bigint | null;
}

/** A key as kept: its SHA-256 only. A key that leaks from the database opens nothing. */
export interface StoredKey {
  /** Names the key where its text must not stand: 16 hex digits. */
  readonly id: string;
  /** SHA-256 of the key text, lower-case hex. */
  readonly hash: string;
  readonly account: string;
  readonly name: string;
  /** First characters of its text, to tell keys apart by. */
  readonly shown: string;
  readonly scopes: readonly Scope[];
  readonly budget: KeyBudget;
  /** Epoch milliseconds; null for never. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** First millisecond of the UTC day in which it was shown last. */
  readonly usedOn: number | null;
}

/** Port: where API keys are kept. */
export interface AccountStore {
  addKey(key: StoredKey): Promise<void>;
  /** Takes a key back that was never given out. */
  removeKey(hash: string): Promise<void>;
  keyOf(hash: string): Promise<StoredKey | undefined>;
  /** Keys of an account that are not revoked, the oldest first. */
  keysOf(account: string): Promise<readonly StoredKey[]>;
  /** Revokes a key of the account that is not revoked; false when there is none. */
  revokeKey(account: string, id: string, at: number): Promise<boolean>;
  /** Ids of keys that were revoked at `since` (epoch milliseconds) or later. */
  revokedSince(since: number): Promise<readonly string[]>;
  usedKey(id: string, on: number): Promise<void>;
}
