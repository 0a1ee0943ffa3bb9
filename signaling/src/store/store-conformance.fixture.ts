import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { domainHash } from '@ciro/core/canonical-json.ts';
import { GENESIS_HASH, sealEntry } from '@ciro/core/ledger/entry.ts';
import { checkLinks } from '@ciro/core/ledger/head.ts';
import { auditStoreConforms } from '../audit/audit-store-conformance.fixture.ts';
import { disputeStoreConforms } from '../disputes/dispute-store-conformance.fixture.ts';
import { escrowStoreConforms } from '../escrow/escrow-store-conformance.fixture.ts';
import { payoutLinksConform } from '../settlement/payout-links-conformance.fixture.ts';
import { performanceStoreConforms } from '../settlement/performance-store-conformance.fixture.ts';
import { settlementStoreConforms } from '../settlement/settlement-store-conformance.fixture.ts';
import { AccountStatements } from '../ledger/account-statements.ts';
import { Ledger } from '../ledger/ledger.ts';
import { verifyChain } from '../ledger/verify-chain.ts';
import { makeRecord, workerId } from '../evidence/job-record.fixture.ts';
import { firstTables } from './migrations/0001-first-tables.ts';
import { audits } from './migrations/0002-audits.ts';
import { continuations } from './migrations/0003-continuations.ts';
import { storeOf } from './open-store.ts';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { EntryDraft } from '@ciro/core/ledger/entry.ts';
import type { OpenedDatabase } from './open-pglite.ts';
import type { Store } from './open-store.ts';
import type { StoredKey } from '../accounts/account-store.ts';

const jobId = (n: number): JobId => n.toString(16).padStart(32, '0') as JobId;
const nodeId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;

/** What every database must do alike. `open` gives an empty one; the suite opens it once. */
export function describeStore(name: string, open: () => Promise<OpenedDatabase>): void {
  describe(`store on ${name}`, () => {
    let opened: OpenedDatabase;
    let store: Store;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());
    const emptyAudits = (): Promise<unknown> => sql`truncate audit_draws, audit_transcripts, audit_pieces`.execute(opened.db);

    const append = (draft: Omit<EntryDraft, 'job' | 'at'> & Partial<EntryDraft>): Promise<void> =>
      store.ledger.exclusive(async ({ end, append: put }) => put(sealEntry({ job: null, at: 1_000, ...draft }, end.sequence, end.hash)));

    it('M4: refuses a ledger of the version before, as it is', async () => {
      const { db } = opened;
      await firstTables.up(db);
      const draft = { kind: 'issue', key: 'genesis', job: null, at: 1_000, lines: [] } as const;
      const hash = domainHash('ciro/ledger/1', { sequence: 0, previous: GENESIS_HASH, ...draft });
      await sql`insert into ledger_entries values (0, ${draft.key}, ${draft.kind}, null, ${draft.at}, ${GENESIS_HASH}, ${hash})`.execute(db);
      const tables = () => sql`select count(*) from information_schema.tables`.execute(db);
      const before = await tables();
      await expect(storeOf({ db, close: () => Promise.resolve() })).rejects.toMatchObject({ code: 'outdated', message: expect.stringContaining('ciro/ledger/2'), fields: { hash } });
      expect(await tables()).toEqual(before);
    });

    it('brings the tables of the versions before to this one: every node has a standing, and no job goes on from another', async () => {
      const { db } = opened;
      await sql`delete from ledger_entries`.execute(db);
      await sql`insert into nodes values (${nodeId(31)}, '0x31', 500.5, 600, 0, 0, 0, 0, 0, 0)`.execute(db);
      await sql`insert into jobs (job, account, model_id, created_at, state) values (${jobId(100)}, 'ada', ${'5'.repeat(64)}, 400, 'recorded')`.execute(db);
      await audits.up(db);
      await continuations.up(db);
      expect((await sql`select corrects, continues, decided from jobs`.execute(db)).rows).toEqual([{ corrects: null, continues: null, decided: true }]);
      const { rows } = await sql`select node_id, first_seen, passed, demoted_at from standings`.execute(db);
      expect(rows).toEqual([{ node_id: nodeId(31), first_seen: 500.5, passed: 0, demoted_at: null }]);
      await sql`drop schema public cascade`.execute(db);
      await sql`create schema public`.execute(db);
      store = await storeOf(opened);
    });

    it('G8: keeps answers under way as they were stored last, ids in order, until they end', async () => {
      const sampler = { temperature: 0.5, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 7 };
      const quote = { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '58' };
      const order = (n: number) => ({ job: jobId(n), account: 'ada', modelId: '5'.repeat(64) as HexHash, promptIds: Uint32Array.of(1, 4_294_967_295), sampler, maxTokens: 8, stopIds: [2], quote, requesterNonce: null, exclude: [], goesOn: true, continues: null });
      const request = { model: 'm', stream: true, includeUsage: true, maxTokens: 8, temperature: 0.5, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stop: ['é'], seed: 7, assurance: 'stream', nonceCommitment: null, keepGoing: true, reuse: true } as const;
      const asked = (n: number) => ({ account: 'ada', createdAt: n, request, order: order(n) });
      for (const n of [72, 71]) await store.kept.begin(asked(n));
      await store.kept.progress(jobId(71), [jobId(71), jobId(73)], [5, 6]);
      await store.kept.restarted(jobId(71));
      await store.kept.progress(jobId(99), [], [1]);
      expect(await store.kept.list()).toEqual([
        { asked: asked(71), jobs: [jobId(71), jobId(73)], ids: [5, 6], restarts: 1 },
        { asked: asked(72), jobs: [], ids: [], restarts: 0 },
      ]);
      for (const n of [71, 72]) await store.kept.end(jobId(n));
      expect(await store.kept.list()).toEqual([]);
    });

    it('starts with the genesis hash and keeps amounts of 78 digits exactly', async () => {
      expect(await store.ledger.end()).toEqual({ sequence: 0, hash: GENESIS_HASH });
      await store.ledger.exclusive(async ({ end }) => expect(end).toEqual({ sequence: 0, hash: GENESIS_HASH }));
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
        store.ledger.exclusive(async (transaction) => {
          for (const key of ['undone', 'undone too']) {
            const { sequence, hash } = transaction.end;
            await transaction.append(sealEntry({ kind: 'hold', key, job: jobId(99), at: 1, lines: [{ account: 'pool', amount: -1n }, { account: 'fee', amount: 1n }] }, sequence, hash));
          }
          // What was appended counts in the same transaction.
          expect((await transaction.balances(['fee'])).get('fee')).toBe(2n);
          expect(await transaction.entryByKey('undone')).toBeDefined();
          expect((await transaction.entriesOfJob(jobId(99))).map(({ key }) => key)).toEqual(['undone', 'undone too']);
          expect(transaction.end.sequence).toBe(3);
          throw new Error('crash before the commit');
        }),
      ).rejects.toThrow('crash before the commit');
      expect(await store.ledger.allBalances()).toEqual(before);
      expect(await store.ledger.entryByKey('undone')).toBeUndefined();
      expect((await store.ledger.end()).sequence).toBe(1);
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
      expect(await ledger.workerTotals(nodeId(1))).toEqual({ pending: 7n, payable: 0n, withheld: 0n });
      expect(await store.ledger.openHolds()).toHaveLength(2);
      expect((await verifyChain(store.ledger)).sequence).toBe(9);
      expect(await store.ledger.entriesFrom(7, 10)).toHaveLength(2);
    });

    it('M7, M8: books what audits decide, several entries at a time, and shows the links of all of them', async () => {
      const ledger = new Ledger(store.ledger, { now: () => 86_400_000 });
      const [first, second] = [jobId(51), jobId(52)];
      for (const job of [first, second]) {
        await ledger.hold(job, 'ada', 100n);
        await ledger.settle(job, { debit: 60n, fee: 4n, credits: [{ worker: nodeId(2), amount: 30n }, { worker: nodeId(3), amount: 26n }] });
      }
      const before = await ledger.balance('ada');
      await ledger.payable(first, nodeId(2), 5_000n);
      await ledger.auditPaid('ab'.repeat(16) as AuditId, second, nodeId(4), 5n);
      await Promise.all([ledger.failed(second, [nodeId(2)]), ledger.failed(second, [nodeId(2)]), ledger.payable(second, nodeId(3), 0n)]);
      expect(await ledger.workerTotals(nodeId(2))).toEqual({ pending: 0n, payable: 15n, withheld: 0n });
      expect(await ledger.workerTotals(nodeId(3))).toEqual({ pending: 26n, payable: 26n, withheld: 0n });
      expect(await ledger.balance('ada')).toBe(before + 60n);
      const account = await ledger.jobAccount(second);
      expect(account).toMatchObject({ debit: 60n, refunded: 60n, credits: [{ status: 'void', due: 0n }, { status: 'payable', due: 26n }], audits: [{ auditor: nodeId(4), amount: 5n }] });
      const { sequence, hash } = await verifyChain(store.ledger);
      const head = await ledger.head();
      expect(head).toEqual({ sequence: sequence - 1, hash });
      const [genesis] = await store.ledger.entriesFrom(0, 1);
      if (head === undefined || genesis === undefined) throw new Error('the ledger is empty');
      expect(checkLinks({ sequence: 0, hash: genesis.hash as HexHash }, head, await ledger.links(0, sequence))).toBeNull();
    });

    it('J2, J4: keeps API keys by hash as they were made, lists those of an account, and revokes each once', async () => {
      const key = (n: number, account = 'ada'): StoredKey => ({ id: `id ${n}`, hash: `hash ${n}`, account, name: `key ${n}`, shown: 'ciro-sk-ab', scopes: ['ask'], budget: { total: 10n ** 21n, daily: null }, createdAt: n, expiresAt: 99, revokedAt: null, usedOn: null });
      for (const each of [key(1), key(2), key(3, 'bob')]) await store.accounts.addKey(each);
      expect(await store.accounts.keyOf('hash 1')).toEqual(key(1));
      expect(await store.accounts.keysOf('ada')).toEqual([key(1), key(2)]);
      expect([await store.accounts.revokeKey('bob', 'id 1', 50), await store.accounts.revokeKey('ada', 'id 1', 50), await store.accounts.revokeKey('ada', 'id 1', 60)]).toEqual([false, true, false]);
      expect([await store.accounts.revokedSince(50), await store.accounts.revokedSince(51)]).toEqual([['id 1'], []]);
      await store.accounts.usedKey('id 2', 86_400_000);
      expect(await store.accounts.keysOf('ada')).toEqual([{ ...key(2), usedOn: 86_400_000 }]);
      await store.accounts.removeKey('hash 2');
      expect(await store.accounts.keyOf('hash 2')).toBeUndefined();
    });

    it('J3: counts what each key has spent as entries come, in the same transaction; keys that ask at once cannot spend more than their budget', async () => {
      let at = 86_400_000 * 3 + 5;
      const ledger = new Ledger(store.ledger, { now: () => at });
      await ledger.openTrial('eve');
      const by = { key: 'of eve', total: 250n, daily: 200n };
      const outcomes = await Promise.allSettled([1, 2, 3].map((n) => ledger.hold(jobId(700 + n), 'eve', 100n, { by })));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
      const held = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [jobId(701 + n)] : []));
      const [first = jobId(0), second = jobId(0)] = held;
      expect(await ledger.spentBy('of eve')).toEqual({ total: 200n, day: 200n });
      await ledger.release(first);
      await ledger.settle(second, { debit: 40n, fee: 4n, credits: [{ worker: workerId(1), amount: 36n }] });
      expect(await ledger.spentBy('of eve')).toEqual({ total: 40n, day: 40n });
      // What goes on with a job is its key's, whatever the budget, and so is what is paid back.
      await ledger.hold(jobId(710), 'eve', 230n, { like: second });
      expect(await ledger.spentBy('of eve')).toEqual({ total: 270n, day: 270n });
      await ledger.release(jobId(710));
      at += 86_400_000;
      expect(await ledger.spentBy('of eve')).toEqual({ total: 40n, day: 0n });
      await ledger.failed(second, []);
      expect(await ledger.spentBy('of eve')).toEqual({ total: 0n, day: 0n });
      expect(await ledger.spentBy('of nobody')).toEqual({ total: 0n, day: 0n });
    });

    it('I21: keeps a request once for its key and account until it is dropped, too old, or another job takes its place', async () => {
      const [first, second] = [{ job: jobId(801), hash: 'a', at: 1_000 }, { job: jobId(802), hash: 'b', at: 2_000 }];
      expect(await store.submissions.keep('ada', 'k', first, 0)).toEqual({ job: first.job, hash: 'a' });
      expect(await store.submissions.keep('ada', 'k', second, 0)).toEqual({ job: first.job, hash: 'a' });
      expect(await store.submissions.keep('bob', 'k', second, 0)).toEqual({ job: second.job, hash: 'b' });
      expect([await store.submissions.replace('ada', 'k', second.job, jobId(803)), await store.submissions.replace('ada', 'k', first.job, jobId(803))]).toEqual([false, true]);
      expect(await store.submissions.keep('ada', 'k', second, 1_000)).toEqual({ job: jobId(803), hash: 'a' });
      expect(await store.submissions.keep('ada', 'k', second, 1_001)).toEqual({ job: second.job, hash: 'b' });
      await store.submissions.drop('ada', 'k');
      expect(await store.submissions.keep('ada', 'k', first, 0)).toEqual({ job: first.job, hash: 'a' });
    });

    it('I22: lists jobs that an account asked for, the newest first, without what does them again or goes on', async () => {
      const opened = { account: 'lisa', modelId: '5'.repeat(64) as HexHash, assurance: 'stream', corrects: null, continues: null } as const;
      for (const [n, createdAt] of [[901, 10], [902, 30], [903, 20], [904, 20]] as const) await store.jobs.open({ job: jobId(n), ...opened, createdAt });
      await store.jobs.open({ job: jobId(905), ...opened, createdAt: 40, continues: jobId(901) });
      await store.jobs.open({ job: jobId(906), ...opened, account: 'lars', createdAt: 50 });
      const page = await store.jobs.list('lisa', undefined, 2);
      expect(page.map(({ job, state }) => [job, state])).toEqual([[jobId(902), 'running'], [jobId(904), 'running']]);
      const last = page.at(-1);
      expect((await store.jobs.list('lisa', last && { createdAt: last.createdAt, job: last.job }, 5)).map(({ job }) => job)).toEqual([jobId(903), jobId(901)]);
      for (const n of [901, 902, 903, 904, 905, 906]) await store.jobs.fail(jobId(n), { code: 'stalled', message: '' });
    });

    it('M12: gives a holder its entries, page by page, and the balances before each', async () => {
      const statements = new AccountStatements(store.ledger);
      const balances = await store.ledger.allBalances();
      for (const holder of [{ requester: 'ada' }, { worker: nodeId(2) }, { worker: nodeId(4) }, { worker: nodeId(99) }]) {
        const all = await statements.page(holder, {});
        const rows: unknown[] = [];
        for (let after: number | undefined = -1; after !== undefined; ) {
          const page = await statements.page(holder, { limit: 3, after });
          rows.push(...page.rows);
          after = page.next;
        }
        expect(rows).toEqual(all.rows);
        const [prefix, paid] = 'worker' in holder ? [`worker:${holder.worker}:`, undefined] : ['requester:ada', ':paid'];
        for (const [purse, amount] of all.closing) expect(amount).toBe(balances.get((paid === undefined ? prefix + purse : purse === 'paid' ? prefix + paid : prefix) as 'pool') ?? 0n);
      }
      const late = await statements.page({ requester: 'ada' }, { from: 86_400_001 });
      expect([late.rows, late.opening]).toEqual([[], late.closing]);
      expect((await statements.page({ requester: 'ada' }, { from: 86_400_000, to: 86_400_001 })).rows.length).toBeGreaterThan(5);
    });

    it('closes a job once, and gives its record back as it was', async () => {
      const opened = { account: 'ada', modelId: '5'.repeat(64) as HexHash, createdAt: 1_234, assurance: 'stream', corrects: null, continues: null } as const;
      const [recorded, failed, running] = [jobId(101), jobId(102), jobId(103)];
      for (const job of [recorded, failed, running]) await store.jobs.open({ job, ...opened });
      const record = makeRecord({ job: recorded });
      await store.jobs.record(recorded, record, 'Zürich 🏔️');
      await store.jobs.fail(failed, { code: 'worker-lost', message: 'gone' });
      await store.jobs.fail(recorded, { code: 'late', message: 'must change nothing' });
      expect(await store.jobs.find(recorded)).toEqual({ job: recorded, ...opened, state: 'recorded', record, text: 'Zürich 🏔️', decided: false });
      expect(await store.jobs.find(failed)).toEqual({ job: failed, ...opened, state: 'failed', failure: { code: 'worker-lost', message: 'gone' } });
      expect(await store.jobs.find(running)).toEqual({ job: running, ...opened, state: 'running' });
      expect(await store.jobs.running()).toEqual([running]);
      expect(await store.jobs.find(jobId(104))).toBeUndefined();
    });

    it('knows which recorded jobs are not decided, oldest first, and which job corrects which', async () => {
      const modelId = '5'.repeat(64) as HexHash;
      const [old, young, failed] = [jobId(111), jobId(112), jobId(113)];
      await store.jobs.open({ job: young, account: 'ada', modelId, createdAt: 3_000, assurance: 'checked', corrects: old, continues: null });
      await store.jobs.open({ job: old, account: 'ada', modelId, createdAt: 2_000, assurance: 'checked', corrects: null, continues: null });
      await store.jobs.open({ job: failed, account: 'ada', modelId, createdAt: 2_500, assurance: 'stream', corrects: jobId(101), continues: null });
      expect(await store.jobs.correctionOf(old)).toBeUndefined();
      for (const job of [young, old]) await store.jobs.record(job, makeRecord({ job }), '');
      await store.jobs.fail(failed, { code: 'stalled', message: '' });
      await store.jobs.decided(failed);
      expect(await store.jobs.undecided()).toEqual([jobId(101), old, young]);
      expect([await store.jobs.correctionOf(old), await store.jobs.correctionOf(young), await store.jobs.correctionOf(jobId(101))]).toEqual([young, undefined, undefined]);
      await store.jobs.decided(old);
      expect(await store.jobs.undecided()).toEqual([jobId(101), young]);
      expect(await store.jobs.find(old)).toMatchObject({ decided: true, assurance: 'checked', corrects: null, continues: null });
      expect(await store.jobs.find(young)).toMatchObject({ decided: false, corrects: old, continues: null });
    });

    it('G2: knows which recorded job goes on from which, the one that was asked last', async () => {
      const opened = { account: 'ada', modelId: '5'.repeat(64) as HexHash, assurance: 'stream', corrects: null } as const;
      const [moved, next, again, failed] = [jobId(121), jobId(122), jobId(123), jobId(124)];
      await store.jobs.open({ ...opened, job: moved, createdAt: 1_000, continues: null });
      await store.jobs.open({ ...opened, job: next, createdAt: 2_000, continues: moved });
      await store.jobs.open({ ...opened, job: failed, createdAt: 4_000, continues: moved });
      await store.jobs.record(moved, makeRecord({ job: moved, finish: 'moved' }), '');
      expect(await store.jobs.continuationOf(moved)).toBeUndefined();
      await store.jobs.record(next, makeRecord({ job: next }), '');
      await store.jobs.fail(failed, { code: 'stalled', message: '' });
      expect([await store.jobs.continuationOf(moved), await store.jobs.continuationOf(next), await store.jobs.correctionOf(moved)]).toEqual([next, undefined, undefined]);
      expect(await store.jobs.find(next)).toMatchObject({ continues: moved, corrects: null, record: { finish: 'length' } });
      expect(await store.jobs.find(moved)).toMatchObject({ continues: null, record: { finish: 'moved' } });
      await store.jobs.open({ ...opened, job: again, createdAt: 3_000, continues: moved });
      await store.jobs.record(again, makeRecord({ job: again }), '');
      expect(await store.jobs.continuationOf(moved)).toBe(again);
    });

    it('adds up node updates and lists the newest first', async () => {
      const update = { nodeId: nodeId(7), publicKey: '0x7', at: 1_000.5, connectedMs: 100, latencyTotalMs: 5.25, latencySamples: 2, computeContributed: 40, jobsServed: 1, jobsFailed: 2 };
      await store.nodes.add([{ ...update, nodeId: nodeId(8), at: 5_000 }, update]);
      await store.nodes.add([]);
      await store.nodes.add([{ ...update, at: 3_000 }]);
      const { at, ...sums } = update;
      expect(await store.nodes.list(5)).toEqual([
        { ...sums, nodeId: nodeId(8), firstSeen: 4_900, lastSeen: 5_000 },
        { ...sums, firstSeen: at - 100, lastSeen: 3_000, connectedMs: 200, latencyTotalMs: 10.5, latencySamples: 4, computeContributed: 80, jobsServed: 2, jobsFailed: 4 },
      ]);
      expect(await store.nodes.list(1)).toHaveLength(1);
      expect(await store.nodes.find(nodeId(8))).toEqual({ ...sums, nodeId: nodeId(8), firstSeen: 4_900, lastSeen: 5_000 });
      expect(await store.nodes.find(nodeId(9))).toBeUndefined();
      expect(await store.nodes.identityKeys([nodeId(7), nodeId(9)])).toEqual(new Map([[nodeId(7), '0x7']]));
      expect(await store.nodes.identityKeys([])).toEqual(new Map());
    });

    it('keeps standings: counts add up, suspicion is replaced, a demotion stays as it was first made', async () => {
      const [one, two] = [nodeId(21), nodeId(22)];
      expect(await store.standings.change(one, {}, 1_000.5)).toEqual({ passed: 0, successfulAudits: 0, failedAudits: 0, suspicion: 0, demotedAt: null, firstSeen: 1_000.5 });
      await store.standings.change(one, { passed: 1, successfulAudits: 1, suspicion: 2.25 }, 2_000);
      expect(await store.standings.change(one, { passed: 1 }, 3_000)).toEqual({ passed: 2, successfulAudits: 1, failedAudits: 0, suspicion: 2.25, demotedAt: null, firstSeen: 1_000.5 });
      expect(await store.standings.change(one, { suspicion: 0 }, 3_000)).toMatchObject({ passed: 2, suspicion: 0 });
      await store.standings.change(two, { failedAudits: 1, demotedAt: 4_000 }, 4_000);
      expect(await store.standings.demoted(5)).toEqual([two]);
      await store.standings.change(one, { failedAudits: 1, demotedAt: 5_000 }, 5_000);
      expect(await store.standings.change(one, { failedAudits: 1, demotedAt: 6_000 }, 6_000)).toMatchObject({ failedAudits: 2, demotedAt: 5_000 });
      expect(await store.standings.demoted(5)).toEqual([one, two]);
      expect(await store.standings.demoted(1)).toEqual([one]);
      expect([...(await store.standings.list([two, nodeId(23)]))]).toEqual([[two, { passed: 0, successfulAudits: 0, failedAudits: 1, suspicion: 0, demotedAt: 4_000, firstSeen: 4_000 }]]);
      expect(await store.standings.list([])).toEqual(new Map());
    });

    it('Q4: an acquittal counts once for its name, and leaves a demotion that stays', async () => {
      const one = nodeId(24);
      await store.standings.change(one, { failedAudits: 1, demotedAt: 5_000 }, 5_000);
      await store.standings.change(one, { failedAudits: 1 }, 5_000);
      for (let again = 0; again < 2; again++) expect(await store.standings.acquit(one, 'job:0', true, 6_000)).toMatchObject({ failedAudits: 1, demotedAt: 5_000 });
      for (let again = 0; again < 2; again++) expect(await store.standings.acquit(one, 'job:1', false, 6_000)).toMatchObject({ failedAudits: 0, demotedAt: null });
      expect(await store.standings.acquit(nodeId(25), 'job:2', false, 7_000)).toMatchObject({ failedAudits: 0, firstSeen: 7_000 });
    });

    disputeStoreConforms(async () => {
      await sql`truncate audit_transcripts, disputes`.execute(opened.db);
      return {
        store: store.disputes,
        convict: ({ job, stage, worker }) => store.audits.saveTranscript({ job, stage, worker, outcome: 'failed' } as Transcript),
      };
    });

    auditStoreConforms(async () => {
      await emptyAudits();
      return store.audits;
    });

    payoutLinksConform(async () => {
      await sql`truncate payout_links, payout_changes`.execute(opened.db);
      return store.payoutLinks;
    });

    settlementStoreConforms(async () => {
      await sql`truncate settlement_epochs, settlement_payouts, settlement_corrections`.execute(opened.db);
      return store.settlement;
    });

    performanceStoreConforms(async () => {
      await sql`truncate performance_epochs`.execute(opened.db);
      return store.performance;
    });

    escrowStoreConforms(async () => {
      await sql`truncate escrows, escrow_deferred`.execute(opened.db);
      return store.escrows;
    });

    it('A8: a stage has one transcript and a job one draw: what is saved a second time changes nothing', async () => {
      await emptyAudits();
      const [transcript, draw] = [{ job: jobId(1), stage: 0, note: 'first' } as Transcript, { coordinator: 'first' } as AuditDraw];
      await store.audits.saveTranscript(transcript);
      await store.audits.saveTranscript({ ...transcript, note: 'second' });
      await store.audits.saveDraw(jobId(1), draw);
      await store.audits.saveDraw(jobId(1), { ...draw, coordinator: 'second' });
      expect(await store.audits.transcriptsOf(jobId(1))).toEqual([transcript]);
      expect(await store.audits.drawOf(jobId(1))).toEqual(draw);
    });
  });
}
