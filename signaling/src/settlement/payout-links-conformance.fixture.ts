import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import type { ChangeRecord, PayoutLinkStore } from './link-ports.ts';

const [one, two] = ['1', '2'].map((n) => n.padStart(40, '0')) as [NodeId, NodeId];
const change = (nonce: number, from: number, state: ChangeRecord['state'] = 'waiting'): ChangeRecord => ({
  change: { chainId: '0x1', store: '0x2', worker: '0x3', account: '0xa', nonce, validUntil: 9 },
  identitySignature: 'ab',
  walletSignature: nonce % 2 === 0 ? null : ['0x1', '0x2'],
  askedAt: 5,
  from,
  state,
});

/** What every store of payout changes must do alike. `open` gives an empty one. */
export function payoutLinksConform(open: () => Promise<PayoutLinkStore>): void {
  it('Y9: changes are taken in their order, one waits at a time, and a dropped one is never due', async () => {
    const store = await open();
    expect([await store.newest(one), await store.ask(one, change(2, 10)), await store.ask(one, change(1, 10)), await store.ask(one, change(1, 10))]).toEqual([undefined, false, true, false]);
    expect(await store.newest(one)).toEqual(change(1, 10));
    expect([[...(await store.due(9))], [...(await store.due(10))]]).toEqual([[], [[one, change(1, 10)]]]);
    expect(await store.ask(one, change(2, 20))).toBe(true);
    expect([...(await store.due(15))]).toEqual([]);
    expect(await store.ask(one, change(3, 20, 'dropped'))).toBe(true);
    expect(await store.ask(two, change(1, 30))).toBe(true);
    expect([...(await store.due(100))]).toEqual([[two, change(1, 30)]]);
  });

  it('Y10: a change is applied once, with what earlier accounts keep', async () => {
    const store = await open();
    await store.ask(one, change(1, 10));
    const link = { account: '0xa', since: 12, kept: new Map([['0xb', 2n ** 127n + 1n], ['0xc', 0n]]) };
    expect([await store.apply(one, 1, link), await store.apply(one, 1, { ...link, since: 13 }), await store.apply(one, 2, link)]).toEqual([true, false, false]);
    expect(await store.links()).toEqual(new Map([[one, link]]));
    expect((await store.newest(one))?.state).toBe('applied');
    await store.ask(one, change(2, 10));
    const back = { account: '0xb', since: 14, kept: new Map([['0xa', 5n]]) };
    expect(await store.apply(one, 2, back)).toBe(true);
    expect(await store.links()).toEqual(new Map([[one, back]]));
  });
}
