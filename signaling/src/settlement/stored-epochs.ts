import type { Settlement } from './settlement.ts';
import type { PerformanceStore } from './performance-ports.ts';
import type { SettlementStore } from './ports.ts';

/** What a coordinator without a chain publishes: epochs of the time when it had one. It hashes no trees, so it gives no proofs. */
export function storedEpochs(store: Pick<SettlementStore, 'list' | 'data'>, performance: Pick<PerformanceStore, 'find'>): Pick<Settlement, 'epochs' | 'epoch' | 'proof' | 'performance' | 'performanceProof'> {
  return { epochs: (limit) => store.list(limit), epoch: (number) => store.data(number), proof: async () => undefined, performance: async (number) => (await performance.find(number))?.data, performanceProof: async () => undefined };
}
