import { describe } from 'vitest';
import { MemorySettlementStore } from './memory-settlement-store.fixture.ts';
import { MemoryPayoutLinks } from './memory-payout-links.fixture.ts';
import { payoutLinksConform } from './payout-links-conformance.fixture.ts';
import { settlementStoreConforms } from './settlement-store-conformance.fixture.ts';

describe('the settlement store in memory', () => {
  settlementStoreConforms(async () => new MemorySettlementStore());
});

describe('payout changes in memory', () => {
  payoutLinksConform(async () => new MemoryPayoutLinks());
});
