import { describe } from 'vitest';
import { escrowStoreConforms } from './escrow-store-conformance.fixture.ts';
import { MemoryEscrowStore } from './memory-escrow-store.fixture.ts';

describe('the escrow store in memory', () => {
  escrowStoreConforms(async () => new MemoryEscrowStore());
});
