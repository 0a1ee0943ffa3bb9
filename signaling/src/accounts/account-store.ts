/** A key as kept: its SHA-256 only. A key that leaks from the database opens nothing. */
export interface StoredKey {
  /** SHA-256 of the key text, lower-case hex. */
  readonly hash: string;
  readonly account: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** Port: where API keys are kept. */
export interface AccountStore {
  addKey(key: StoredKey): Promise<void>;
  removeKey(hash: string): Promise<void>;
  accountOfKey(hash: string): Promise<string | undefined>;
}
