import type { Settlement } from './settlement.ts';
import type { SettlementStore } from './ports.ts';

/** What a coordinator without a chain publishes: epochs of the time when it had one. It hashes no trees, so it gives no proofs. */
export function storedEpochs(store: Pick<SettlementStore, 'list' | 'data'>): Pick<Settlement, 'epochs' | 'epoch' | 'proof'> {
  return { epochs: (limit) => store.list(limit), epoch: (number) => store.data(number), proof: async () => undefined };
}
