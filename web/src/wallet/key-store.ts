/** What is kept at rest. The two CryptoKeys are not extractable: they can be used by this origin, but never read or copied out. */
export interface StoredKeys {
  /** AES-256-GCM key that seals the identity. */
  readonly sealingKey: CryptoKey;
  /** The identity's Stark private key (32 bytes), sealed; 12-byte nonce. */
  readonly sealed: Uint8Array<ArrayBuffer>;
  readonly nonce: Uint8Array<ArrayBuffer>;
  /** P-256 signing key and its public point, 65 bytes in hex. */
  readonly deviceKey: CryptoKey;
  readonly devicePublicKey: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds of the newest export, or of the import that it came by; absent when there is no copy elsewhere. */
  readonly backedUpAt?: number;
}

/** Keys of an identity that another one took the place of. */
export interface EarlierKeys {
  readonly identityPublicKey: string;
  readonly keys: StoredKeys;
}

/** Port: the one place where this browser's keys are kept. Every call rejects when the browser refuses storage (private mode), and is done whole or not at all. */
export interface KeyStore {
  read(): Promise<StoredKeys | undefined>;
  /** Keeps `keys` unless some are there already; gives those that are there afterwards. Two tabs that start at once agree. */
  keepFirst(keys: StoredKeys): Promise<StoredKeys>;
  /** Puts `keys` in the place of what is there, which stays among the earlier ones; those of `identityPublicKey` leave them. */
  replace(keys: StoredKeys, identityPublicKey: string, before: EarlierKeys | undefined): Promise<void>;
  earlier(): Promise<readonly EarlierKeys[]>;
  /** Notes that there is a copy of the present keys elsewhere. */
  markBackedUp(at: number): Promise<void>;
}
