import type { KeyStore } from '../wallet/key-store.ts';
import type { CiroDatabase } from './ciro-database.ts';

const ID = 'worker';
const EARLIER = 'earlier:';

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
  replace: (keys, identityPublicKey, before) =>
    database.transaction('rw', database.keys, async () => {
      if (before !== undefined) await database.keys.put({ ...before.keys, id: `${EARLIER}${before.identityPublicKey}` });
      await database.keys.put({ ...keys, id: ID });
      await database.keys.delete(`${EARLIER}${identityPublicKey}`);
    }),
  earlier: async () => {
    const rows = await database.keys.where('id').startsWith(EARLIER).toArray();
    return rows.map((keys) => ({ identityPublicKey: keys.id.slice(EARLIER.length), keys }));
  },
  async markBackedUp(at) {
    await database.keys.update(ID, { backedUpAt: at });
  },
});
