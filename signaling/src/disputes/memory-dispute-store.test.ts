import { disputeStoreConforms } from './dispute-store-conformance.fixture.ts';
import { MemoryDisputeStore } from './memory-dispute-store.fixture.ts';

disputeStoreConforms(async () => {
  const store = new MemoryDisputeStore();
  return { store, convict: async (conviction) => void store.convictions.push(conviction) };
});
