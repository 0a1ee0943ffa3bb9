import { expect, it } from 'vitest';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { Conviction, Dispute, DisputeStore } from './dispute-store.ts';

const conviction = (n: number, stage: number, worker: string): Conviction => ({ job: n.toString(16).padStart(32, '0') as JobId, stage, worker: worker.repeat(40) as NodeId });
const noted = (of: Conviction, name: string): Dispute => ({
  ...of, notedAt: 1_000, hash: name.repeat(64) as HexHash, accused: '0xa', ref: '0x1', evidence: `0x${name.repeat(62)}`, state: 'noted', note: '', fromBlock: null, transaction: null, caseId: null, ruling: null,
});

/** What every store of disputes must do alike. `open` gives an empty one, and a way to record convictions as audits do. */
export function disputeStoreConforms(open: () => Promise<{ readonly store: DisputeStore; readonly convict: (conviction: Conviction) => Promise<void> }>): void {
  it('Q3: each conviction is noted once, with its file, and only where it stands changes', async () => {
    const { store, convict } = await open();
    const [one, two] = [conviction(1, 0, 'a'), conviction(1, 2, 'b')];
    for (const each of [one, two]) await convict(each);
    expect(await store.unnoted(5)).toEqual([one, two]);
    expect(await store.unnoted(1)).toEqual([one]);
    await store.note(noted(one, 'd'), 'the file');
    await store.note({ ...noted(one, 'e'), note: 'again' }, 'another');
    expect(await store.unnoted(5)).toEqual([two]);
    await store.note({ ...noted(two, 'e'), hash: null, accused: null, ref: null, evidence: null, state: 'unopened', note: 'why' }, null);
    expect(await store.active()).toEqual([noted(one, 'd')]);
    expect((await store.list(5)).map(({ state }) => state)).toEqual(['unopened', 'noted']);
    expect([await store.text('d'.repeat(64) as HexHash), await store.text('e'.repeat(64) as HexHash)]).toEqual(['the file', undefined]);
    const ruling = { guilty: true, byTimeout: false, slashed: 2n ** 100n, bondTo: '0xc', transaction: '0xf', block: 9 };
    const status = { state: 'ruled', note: 'guilty', fromBlock: 7, transaction: '0xe', caseId: 3, ruling } as const;
    await store.mark(one, status);
    expect(await store.find('d'.repeat(64))).toEqual({ ...noted(one, 'd'), ...status });
    expect(await store.find(`0x${'d'.repeat(62)}`)).toMatchObject({ caseId: 3 });
    expect(await store.find('0x0')).toBeUndefined();
    await store.mark(one, { ...status, state: 'closed' });
    expect(await store.active()).toEqual([]);
    expect(await store.text('d'.repeat(64) as HexHash)).toBe('the file');
    await store.mark(one, { ...status, state: 'unopened' });
    expect(await store.text('d'.repeat(64) as HexHash)).toBeUndefined();
  });

  it('Q4: of a worker\'s other convictions those count that no vote set aside', async () => {
    const { store, convict } = await open();
    const [mine, by_vote, by_time, theirs] = [conviction(1, 0, 'a'), conviction(2, 0, 'a'), conviction(3, 0, 'a'), conviction(4, 0, 'b')];
    for (const each of [mine, by_vote, by_time, theirs]) await convict(each);
    expect(await store.otherConvictions(mine)).toBe(2);
    const ruling = { guilty: false, byTimeout: false, slashed: 0n, bondTo: '0xa', transaction: '0xf', block: 9 };
    const ruled = { state: 'closed', note: '', fromBlock: 7, transaction: '0xe', caseId: 3 } as const;
    for (const [each, name] of [[by_vote, 'd'], [by_time, 'e']] as const) {
      await store.note(noted(each, name), name);
      await store.mark(each, { ...ruled, ruling: { ...ruling, byTimeout: each === by_time } });
    }
    expect(await store.otherConvictions(mine)).toBe(1);
  });
}
