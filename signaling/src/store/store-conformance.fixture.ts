import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GENESIS_HASH, sealEntry } from '@ciro/core/ledger/entry.ts';
import { Ledger } from '../ledger/ledger.ts';
import { verifyChain } from '../ledger/verify-chain.ts';
import { makeRecord } from '../evidence/job-record.fixture.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { EntryDraft } from '@ciro/core/ledger/entry.ts';
import type { Store } from './open-store.ts';

const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const nodeId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;

/** What every database must do alike. `open` gives an empty one; the suite opens it once. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`store on ${name}`, () => {
    let store: Store;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    const append = (draft: Omit<EntryDraft, 'job' | 'at'> & Partial<EntryDraft>): Promise<void> =>
      store.ledger.exclusive(async ({ head, append: put }) => put(sealEntry({ job: null, at: 1_000, ...draft }, head.sequence, head.hash)));

    it('starts with the genesis hash and keeps amounts of 78 digits exactly', async () => {
      await store.ledger.exclusive(async ({ head }) => expect(head).toEqual({ sequence: 0, hash: GENESIS_HASH }));
      const huge = 10n ** 77n + 1n;
      await append({ kind: 'issue', key: 'issue', lines: [{ account: 'issued', amount: -huge }, { account: 'pool', amount: huge }] });
      expect(await store.ledger.balances(['pool', 'issued', 'fee'])).toEqual(new Map([['pool', huge], ['issued', -huge], ['fee', 0n]]));
      const entry = await store.ledger.entryByKey('issue');
      expect(entry).toMatchObject({ sequence: 0, previous: GENESIS_HASH, at: 1_000, job: null });
      expect(entry?.lines).toEqual([{ account: 'issued', amount: -huge }, { account: 'pool', amount: huge }]);
    });

    it('refuses a key twice, a debt, and leaves nothing of a transaction that failed', async () => {
      const before = await store.ledger.allBalances();
      await expect(append({ kind: 'issue', key: 'issue', lines: [] })).rejects.toThrow(/ledger_entries_key_key/);
      await expect(append({ kind: 'hold', key: 'debt', lines: [{ account: 'fee', amount: -1n }, { account: 'pool', amount: 1n }] })).rejects.toThrow(/no_debt/);
      await expect(
        store.ledger.exclusive(async ({ head, append: put }) => {
          await put(sealEntry({ kind: 'hold', key: 'undone', job: null, at: 1, lines: [{ account: 'pool', amount: -1n }, { account: 'fee', amount: 1n }] }, head.sequence, head.hash));
          throw new Error('crash before the commit');
        }),
      ).rejects.toThrow('crash before the commit');
      expect(await store.ledger.allBalances()).toEqual(before);
      expect(await store.ledger.entryByKey('undone')).toBeUndefined();
    });

    it('runs the ledger: parallel holds are booked one after the other and the chain verifies', async () => {
      const ledger = new Ledger(store.ledger, { now: () => 86_400_000 });
      await ledger.start();
      await ledger.openTrial('ada');
      await ledger.openTrial('ada');
      const full = await ledger.balance('ada');
      const share = full / 4n;
      const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => ledger.hold(jobId(n), 'ada', share)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
      expect(await store.ledger.openHolds()).toHaveLength(4);
      const [first, second] = (await store.ledger.openHolds()) as [JobId, JobId];
      await ledger.settle(first, { debit: 10n, fee: 3n, credits: [{ worker: nodeId(1), amount: 7n }] });
      await Promise.all([ledger.release(second), ledger.release(second)]);
      expect(await ledger.jobAccount(first)).toMatchObject({ held: share, debit: 10n, fee: 3n, credits: [{ worker: nodeId(1), amount: 7n, status: 'pending' }] });
      expect(await ledger.balance('ada')).toBe(2n * share - 10n);
      expect(await ledger.workerTotals(nodeId(1))).toEqual({ pending: 7n, payable: 0n });
      expect(await store.ledger.openHolds()).toHaveLength(2);
      expect((await verifyChain(store.ledger)).sequence).toBe(9);
      expect(await store.ledger.entriesFrom(7, 10)).toHaveLength(2);
    });

    it('keeps API keys by hash until they are removed', async () => {
      await store.accounts.addKey({ hash: 'a1', account: 'ada', createdAt: 5 });
      expect(await store.accounts.accountOfKey('a1')).toBe('ada');
      await store.accounts.removeKey('a1');
      expect(await store.accounts.accountOfKey('a1')).toBeUndefined();
    });

    it('closes a job once, and gives its record back as it was', async () => {
      const opened = { account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_234 };
      const [recorded, failed, running] = [jobId(101), jobId(102), jobId(103)];
      for (const job of [recorded, failed, running]) await store.jobs.open({ job, ...opened });
      const record = makeRecord({ job: recorded });
      await store.jobs.record(recorded, record, 'Zürich 🏔️');
      await store.jobs.fail(failed, { code: 'worker-lost', message: 'gone' });
      await store.jobs.fail(recorded, { code: 'late', message: 'must change nothing' });
      expect(await store.jobs.find(recorded)).toEqual({ job: recorded, ...opened, state: 'recorded', record, text: 'Zürich 🏔️' });
      expect(await store.jobs.find(failed)).toEqual({ job: failed, ...opened, state: 'failed', failure: { code: 'worker-lost', message: 'gone' } });
      expect(await store.jobs.find(running)).toEqual({ job: running, ...opened, state: 'running' });
      expect(await store.jobs.failRunning({ code: 'restarted', message: 'again' })).toBe(1);
      expect(await store.jobs.find(jobId(104))).toBeUndefined();
    });

    it('adds up node updates and lists the newest first', async () => {
      const update = { nodeId: nodeId(7), publicKey: '0x7', at: 1_000.5, connectedMs: 100, latencyTotalMs: 5.25, latencySamples: 2, computeContributed: 40, successfulAudits: 0, failedAudits: 0 };
      await store.nodes.add({ ...update, nodeId: nodeId(8), at: 5_000 });
      await store.nodes.add(update);
      await store.nodes.add({ ...update, at: 3_000 });
      const { at, ...sums } = update;
      expect(await store.nodes.list(5)).toEqual([
        { ...sums, nodeId: nodeId(8), firstSeen: 4_900, lastSeen: 5_000 },
        { ...sums, firstSeen: at - 100, lastSeen: 3_000, connectedMs: 200, latencyTotalMs: 10.5, latencySamples: 4, computeContributed: 80 },
      ]);
      expect(await store.nodes.list(1)).toHaveLength(1);
      expect(await store.nodes.identityKeys([nodeId(7), nodeId(9)])).toEqual(new Map([[nodeId(7), '0x7']]));
      expect(await store.nodes.identityKeys([])).toEqual(new Map());
    });
  });
}
