import { MemoryPerformanceStore } from './memory-performance-store.fixture.ts';
import { performanceStoreConforms } from './performance-store-conformance.fixture.ts';

performanceStoreConforms(async () => new MemoryPerformanceStore());
