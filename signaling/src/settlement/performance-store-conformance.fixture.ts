import { expect, it } from 'vitest';
import type { PerformanceData } from '@ciro/core/settlement/performance.ts';
import type { PerformanceStore } from './performance-ports.ts';

const dataOf = (epoch: number, jobs = epoch): PerformanceData => ({ object: 'epoch.performance', chain_id: '0x1', pool: '0x2', epoch, entries: [{ worker: '0xa', jobs, audits_passed: 1, audits_failed: 0, last_seen: 5 }], count: 1, depth: 0, root: '0x9' });

/** What every outbox of performance must do alike. `open` gives an empty one. */
export function performanceStoreConforms(open: () => Promise<PerformanceStore>): void {
  it('X11: performance is kept as it was computed; only where it stands changes, and what is old is dropped', async () => {
    const store = await open();
    expect([await store.newest(), await store.find(1)]).toEqual([undefined, undefined]);
    await store.add(dataOf(1), 0);
    await store.add(dataOf(1, 77), 0);
    expect(await store.find(1)).toEqual({ data: dataOf(1), transaction: null, postedAt: null });
    await store.add(dataOf(3), 0);
    await store.mark(3, '0xabc', 4_000);
    await store.mark(9, '0xdef', 4_000);
    expect(await store.newest()).toEqual({ data: dataOf(3), transaction: '0xabc', postedAt: 4_000 });
    await store.add(dataOf(4), 1);
    expect([await store.find(1), (await store.find(3))?.data.epoch, (await store.newest())?.data.epoch]).toEqual([undefined, 3, 4]);
  });
}
