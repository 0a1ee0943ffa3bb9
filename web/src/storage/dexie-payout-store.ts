import type { PayoutStore } from '../wallet/claim-ports.ts';
import type { CiroDatabase } from './ciro-database.ts';

/** Payouts kept of one account, the oldest dropped first: one an hour for some days. */
const MAX_PAYOUTS = 200;

/** Payouts that this browser claimed, in IndexedDB. */
export const dexiePayoutStore = (database: CiroDatabase): PayoutStore => ({
  async keepPayout(account, payout) {
    await database.transaction('rw', database.payouts, async () => {
      await database.payouts.put({ ...payout, account });
      const old = (await database.payouts.where('account').equals(account).sortBy('at')).slice(0, -MAX_PAYOUTS);
      await database.payouts.bulkDelete(old.map(({ transaction }) => transaction));
    });
  },
  async payouts(account, count) {
    const kept = await database.payouts.where('account').equals(account).sortBy('at');
    return kept.reverse().slice(0, count);
  },
});
