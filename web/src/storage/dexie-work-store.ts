import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { WorkStore } from '../participant/work-store.ts';
import type { CiroDatabase } from './ciro-database.ts';

/** Receipts kept, the oldest dropped first: about 1 kB each, so 10 MB; by then the coordinator settled or refused them. */
const MAX_RECEIPTS = 10_000;
/** Jobs in the history. */
const MAX_WORK = 500;

/** Receipts and finished jobs of this tab in IndexedDB. */
export const dexieWorkStore = (database: CiroDatabase): WorkStore => ({
  async keepReceipt(receipt) {
    await database.receipts.put({ hash: receiptHash(receipt.body), job: receipt.body.job, keptAt: Date.now(), receipt });
  },
  async keepWork(work) {
    await database.transaction('rw', database.work, database.receipts, async () => {
      // A job is written at its end and again with its last unit; the credit may have come in between.
      const known = await database.work.get(work.job);
      await database.work.put({ ...work, credit: work.credit ?? known?.credit ?? null });
      const surplus = (await database.work.count()) - MAX_WORK;
      if (surplus > 0) await database.work.orderBy('finishedAt').limit(surplus).delete();
      const old = (await database.receipts.count()) - MAX_RECEIPTS;
      if (old > 0) await database.receipts.orderBy('keptAt').limit(old).delete();
    });
  },
  async keepCredit(job, credit) {
    await database.work.update(job, { credit });
  },
  recent: (count) => database.work.orderBy('finishedAt').reverse().limit(count).toArray(),
});
