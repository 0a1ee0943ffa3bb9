import type { KeyStore } from '../wallet/key-store.ts';
import type { CiroDatabase } from './ciro-database.ts';

const ID = 'worker';

/** The worker keys in IndexedDB, where a CryptoKey can rest without being readable. */
export const dexieKeyStore = (database: CiroDatabase): KeyStore => ({
  read: () => database.keys.get(ID),
  // A read-write transaction: of two tabs that both found nothing, one writes and the other reads that.
  keepFirst: (keys) =>
    database.transaction('rw', database.keys, async () => {
      const first = await database.keys.get(ID);
      if (first === undefined) await database.keys.add({ ...keys, id: ID });
      return first ?? keys;
    }),
});
