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
}

/** Port: the one place where this browser's keys are kept. Both calls reject when the browser refuses storage (private mode). */
export interface KeyStore {
  read(): Promise<StoredKeys | undefined>;
  /** Keeps `keys` unless some are there already; gives those that are there afterwards. Two tabs that start at once agree. */
  keepFirst(keys: StoredKeys): Promise<StoredKeys>;
}
