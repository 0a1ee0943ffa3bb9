import { describe } from 'vitest';
import { MemorySettlementStore } from './memory-settlement-store.fixture.ts';
import { settlementStoreConforms } from './settlement-store-conformance.fixture.ts';

describe('the settlement store in memory', () => {
  settlementStoreConforms(async () => new MemorySettlementStore());
});
