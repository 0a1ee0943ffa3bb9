import * as v from 'valibot';
import { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { WatchStore } from '../participant/watch-store.ts';
import type { CiroDatabase } from './ciro-database.ts';

/** Alarms kept with their proofs, the oldest dropped first; one of a long job has a megabyte of signatures. */
const MAX_ALARMS = 50;

/** Alarms and ledger heads in IndexedDB. */
export const dexieWatchStore = (database: CiroDatabase): WatchStore => ({
  keepAlarm: (alarm) =>
    database.transaction('rw', database.alarms, async () => {
      await database.alarms.add({ keptAt: Date.now(), alarm });
      const surplus = (await database.alarms.count()) - MAX_ALARMS;
      if (surplus > 0) await database.alarms.orderBy('id').limit(surplus).delete();
    }),
  alarms: (count) => database.alarms.orderBy('id').reverse().limit(count).toArray(),
  keepHead: async (coordinatorPublicKey, head) => {
    await database.heads.put({ coordinator: coordinatorPublicKey, head });
  },
  // Its signature is checked before it is used; a record of another shape is none.
  head: async (coordinatorPublicKey) => {
    const result = v.safeParse(SignedHead, (await database.heads.get(coordinatorPublicKey))?.head);
    return result.success ? result.output : undefined;
  },
});
