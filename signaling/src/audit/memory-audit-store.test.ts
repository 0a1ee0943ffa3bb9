import { describe } from 'vitest';
import { auditStoreConforms } from './audit-store-conformance.fixture.ts';
import { MemoryAuditStore } from './memory-audit-store.fixture.ts';

describe('the audit store in memory', () => {
  auditStoreConforms(async () => new MemoryAuditStore());
});
