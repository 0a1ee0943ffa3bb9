import { expect, it } from 'vitest';
import { draftEpoch, sealEpoch } from '@ciro/core/settlement/epoch.ts';
import { summaryOf } from './memory-settlement-store.fixture.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochCorrection, EpochData } from '@ciro/core/settlement/epoch.ts';
import type { SettlementStore } from './ports.ts';

const nodeId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;
const HUGE = 2n ** 127n + 1n;

function epochOf(epoch: number, corrections: readonly EpochCorrection[] = []): EpochData {
  return sealEpoch(draftEpoch({ network: 'n', chainId: '0x1', store: '0x2', epoch, payees: [{ account: '0xa', cumulative: HUGE }, { account: '0xb', cumulative: BigInt(epoch) }], corrections }), 5n);
}

/** What every settlement store must do alike. `open` gives an empty one. */
export function settlementStoreConforms(open: () => Promise<SettlementStore>): void {
  it('X7: an epoch is kept as it was closed, in its order, and only where it stands changes', async () => {
    const store = await open();
    await expect(store.close(epochOf(2), 1_000)).rejects.toMatchObject({ code: 'out-of-order' });
    await store.close(epochOf(1), 1_000);
    await expect(store.close(epochOf(1), 1_001)).rejects.toMatchObject({ code: 'out-of-order' });
    await store.close(epochOf(2), 2_000);
    const closed = { state: 'closed', transaction: null, block: null, postedAt: null } as const;
    expect(await store.list(5)).toEqual([{ ...closed, summary: summaryOf(epochOf(2)), closedAt: 2_000 }, { ...closed, summary: summaryOf(epochOf(1)), closedAt: 1_000 }]);
    expect(await store.list(1)).toHaveLength(1);
    const status = { state: 'confirmed', transaction: '0xabc', block: { number: 7, hash: '0xdef' }, postedAt: 3_000 } as const;
    await store.mark(1, status);
    expect(await store.find(1)).toEqual({ ...status, summary: summaryOf(epochOf(1)), closedAt: 1_000 });
    await store.mark(1, closed);
    expect(await store.find(1)).toMatchObject(closed);
    expect([await store.data(1), await store.data(3), await store.find(3)]).toEqual([epochOf(1), undefined, undefined]);
  });

  it('X10: another book in the place of the first drops its epochs; workers keep their addresses, and corrections stay used', async () => {
    const store = await open();
    const book = (birth: string) => ({ chainId: '0x1', store: '0x2', birth, settledBefore: { [nodeId(1)]: String(HUGE) } });
    expect(await store.book()).toBeUndefined();
    const correction = { account: '0xa', by: '2', name: 'case 1' };
    await store.addCorrection(correction);
    await store.close(epochOf(1, [correction]), 1_000);
    await store.bindPayouts(new Map([[nodeId(1), '0x11']]));
    await store.openBook(book('first'));
    expect([await store.book(), (await store.list(5)).length]).toEqual([book('first'), 1]);
    await store.openBook(book('second'));
    expect([await store.book(), await store.list(5)]).toEqual([book('second'), []]);
    expect(await store.payouts([nodeId(1)])).toEqual(new Map([[nodeId(1), '0x11']]));
    await store.addCorrection(correction);
    expect(await store.waitingCorrections()).toEqual([]);
    await store.close(epochOf(1), 2_000);
  });

  it('X6: a worker keeps the address that was bound first', async () => {
    const store = await open();
    await store.bindPayouts(new Map([[nodeId(1), '0x11'], [nodeId(2), '0x12']]));
    await store.bindPayouts(new Map([[nodeId(1), '0x21'], [nodeId(3), '0x13']]));
    await store.bindPayouts(new Map());
    expect(await store.payouts([nodeId(1), nodeId(3), nodeId(4)])).toEqual(new Map([[nodeId(1), '0x11'], [nodeId(3), '0x13']]));
    expect(await store.payouts([])).toEqual(new Map());
  });

  it('X5: a correction waits for the next epoch that names it, once for its name', async () => {
    const store = await open();
    const [one, two] = [{ account: '0xa', by: String(HUGE), name: 'case 1' }, { account: '0xb', by: '2', name: 'case 2' }];
    await store.addCorrection(one);
    await store.addCorrection({ ...one, by: '9' });
    await store.addCorrection(two);
    expect(await store.waitingCorrections()).toEqual([one, two]);
    await store.close(epochOf(1, [one]), 1_000);
    expect(await store.waitingCorrections()).toEqual([two]);
    await store.addCorrection(one);
    expect(await store.waitingCorrections()).toEqual([two]);
    expect((await store.data(1))?.corrections).toEqual([one]);
  });
}
