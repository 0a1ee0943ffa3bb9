import { expect, it } from 'vitest';
import type { AuditId, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Deferred, Escrow, EscrowStore } from './ports.ts';

const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const HUGE = 2n ** 127n + 1n;
const escrow = (n: number, change: Partial<Escrow> = {}): Escrow => ({ id: `0x${n.toString(16)}`, job: jobId(n), acceptedAt: n, state: 'accepted', budget: HUGE, deadline: 2_000_000, result: null, sent: {}, ...change });

/** What every escrow store must do alike. `open` gives an empty one. */
export function escrowStoreConforms(open: () => Promise<EscrowStore>): void {
  it('N3: an escrow is taken once, and kept as it was stored last', async () => {
    const store = await open();
    const rivals = [escrow(7), escrow(7, { job: jobId(8) })] as const;
    const taken = await Promise.all(rivals.map((each) => store.add(each)));
    expect(taken.filter(Boolean)).toHaveLength(1);
    // Which of them comes first is the database's affair.
    const [kept, refused] = taken[0] === true ? rivals : [rivals[1], rivals[0]];
    expect(await store.find('0x7')).toEqual(kept);
    const change = { state: 'answered', result: { root: '0xabc', used: HUGE - 1n }, sent: { start: { transaction: '0x1', at: 5.5 }, submit: { transaction: '0x2', at: 6 } } } as const;
    await store.change('0x7', change);
    await store.change('0x99', change);
    expect(await store.find('0x7')).toEqual({ ...kept, ...change });
    expect(await store.find('0x99')).toBeUndefined();
    await store.drop('0x7', refused.job);
    expect(await store.find('0x7')).toBeDefined();
    await store.drop('0x7', kept.job);
    expect(await store.add(escrow(7))).toBe(true);
  });

  it('N4: those that are not final are listed, oldest first; N5: what waits for one is due when it is, once for its cause', async () => {
    const store = await open();
    for (const n of [33, 31, 32]) await store.add(escrow(n));
    expect((await store.open()).map(({ acceptedAt }) => acceptedAt).filter((at) => at > 30)).toEqual([31, 32, 33]);
    const payable: Deferred = { kind: 'payable', job: jobId(31), worker: 'a'.repeat(40) as NodeId, withheldBasisPoints: 5_000n };
    const audit: Deferred = { kind: 'audit', job: jobId(31), audit: 'b'.repeat(32) as AuditId, auditor: 'c'.repeat(40) as NodeId, amount: HUGE };
    for (const deferred of [payable, payable, audit]) await store.defer('0x1f', deferred);
    expect(await store.due(9)).toEqual([]);
    await store.change('0x1f', { state: 'settled' });
    const settled = escrow(31, { state: 'settled' });
    expect(await store.due(9)).toEqual([{ escrow: settled, deferred: payable }, { escrow: settled, deferred: audit }]);
    expect(await store.due(1)).toHaveLength(1);
    await store.done('0x1f', payable);
    expect(await store.due(9)).toEqual([{ escrow: settled, deferred: audit }]);
    await store.done('0x1f', audit);
    await store.change('0x20', { state: 'refunded' });
    expect((await store.open()).map(({ id }) => id).filter((id) => id === '0x1f' || id === '0x20' || id === '0x21')).toEqual(['0x21']);
  });
}
