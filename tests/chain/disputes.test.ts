import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainFileOf } from '@ciro/contracts/chain/chain-file.ts';
import { caseFileOf, caseText, evidenceFelt, jobRef, textHash } from '@ciro/core/dispute/case-file.ts';
import { draftEpoch, hex, leavesOf, sealEpoch } from '@ciro/core/settlement/epoch.ts';
import { growTree, proofOf, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { draftPerformance, performanceTree } from '@ciro/core/settlement/performance.ts';
import { epochOnChain } from '@ciro/signaling/chain/epoch-on-chain.ts';
import { ContractCaller } from '@ciro/signaling/chain/contract-caller.ts';
import { disputeEpoch } from '@ciro/signaling/cli/dispute-epoch.ts';
import { castVote } from '@ciro/signaling/cli/dispute-vote.ts';
import { openDisputes } from '@ciro/signaling/cli/open-disputes.ts';
import { ReferenceRecompute } from '@ciro/signaling/cli/verify-recompute.ts';
import { findWorker } from '@ciro/signaling/disputes/arbiter.ts';
import { Disputes } from '@ciro/signaling/disputes/disputes.ts';
import { MemoryDisputeStore } from '@ciro/signaling/disputes/memory-dispute-store.fixture.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { Ledger } from '@ciro/signaling/ledger/ledger.ts';
import { MemoryLedgerStore } from '@ciro/signaling/ledger/memory-ledger-store.fixture.ts';
import { VirtualClock } from '@ciro/signaling/sessions/virtual-clock.fixture.ts';
import { MemoryStandingStore } from '@ciro/signaling/standing/memory-standing-store.fixture.ts';
import { CIRO, openCourtChain } from '../support/court-chain.ts';
import { devnetHere } from '../support/devnet-binary.ts';
import { servePages } from '../support/serve-pages.ts';
import { framedEvidence } from '../support/framed-evidence.ts';
import { toyEvidence } from '../support/toy-evidence.ts';
import { ToyNetwork } from '../support/toy-network.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { CourtCase } from '@ciro/signaling/disputes/court-port.ts';
import type { DisputeEvent } from '@ciro/signaling/disputes/disputes.ts';
import type { CourtChain } from '../support/court-chain.ts';

const SEED = 1_789;
const QUESTION = { messages: [{ role: 'user', content: 'hello' }], maxTokens: 3 } as const;
const CHAIN_TIMEOUT_MS = 600_000;
/** Looks of the service until something has happened, at most. */
const MAX_LOOKS = 8;

const here = await devnetHere();
const missing = 'missing' in here ? here.missing : undefined;
if (missing !== undefined) console.warn(`SKIPPED, disputes on a devnet: ${missing}`);

describe.skipIf(missing !== undefined)(`disputes on a devnet${missing === undefined ? '' : ` (${missing})`}`, { timeout: CHAIN_TIMEOUT_MS }, () => {
  let c: CourtChain;
  let network: ToyNetwork;
  const workers: Awaited<ReturnType<CourtChain['worker']>>[] = [];
  beforeAll(async () => {
    if (!('binary' in here)) return;
    [c, network] = await Promise.all([openCourtChain(here.binary), ToyNetwork.open({ seed: SEED, stages: 2 })]);
    for (const { identityKey } of network.workers.slice(0, 2)) workers.push(await c.worker(identityKey));
    for (const address of [c.nobody, ...c.roles.arbiters]) await c.give(address, 1_000n * CIRO);
  }, CHAIN_TIMEOUT_MS);
  afterAll(async () => {
    if (c !== undefined) console.log(['L2 gas of moves in court and pool:', ...[...c.gas].map(([what, gas]) => `  ${what.padEnd(28)}${gas.toLocaleString('en-US').padStart(12)}`)].join('\n'));
    await c?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
  });

  const workerAt = (index: number) => workers[index] ?? expect.fail(`worker ${index} is missing`);
  const [arbiter, second, third] = [0, 1, 2].map((index) => (): Felt => c.roles.arbiters[index] as Felt) as [() => Felt, () => Felt, () => Felt];
  const court = (who: Felt) => c.portsOf(who).court;
  const caseOf = async (id: number): Promise<CourtCase> => (await court(c.nobody).find(id)) ?? expect.fail(`no case ${id}`);
  const judging = { verifySignature, recompute: async (manifest: ToyNetwork['manifest']) => new ReferenceRecompute(manifest, network.model.path, { signal: new AbortController().signal }) };
  const openAs = async (who: Felt, kind: 0 | 1 | 2, accused: string, ref: string | number, evidence: string | number = 99): Promise<number> => {
    await c.as(who, c.approve('DisputeCourt', c.bond), c.call('DisputeCourt', 'open', [kind, accused, ref, evidence]));
    return Number(await c.view('DisputeCourt', 'case_count'));
  };
  const vote = (id: number, guilty: boolean, slash: bigint) => c.call('DisputeCourt', 'vote', [id, guilty ? 1 : 0, slash]);
  const finalise = (id: number) => c.call('DisputeCourt', 'finalise', [id]);
  /** What `npm run dispute` works with, as one person; `said` is what it prints. */
  const handOf = (who: Felt) => {
    const said: string[] = [];
    const { court: mine, caller } = c.portsOf(who);
    return { court: mine, caller, store: c.at.CommitmentStore, signal: new AbortController().signal, print: (line: string) => void said.push(line), said };
  };
  /** Whether a command ended with exit code 1. */
  const failed = async (command: Promise<void>): Promise<boolean> => {
    await command;
    const was = process.exitCode === 1;
    process.exitCode = undefined;
    return was;
  };
  const auto = (id: number, url: string) => ({ do: 'vote', url, id, vote: 'auto', slash: null, file: null }) as const;
  const refused = (promise: Promise<unknown>, why: string): Promise<void> => expect(promise).rejects.toThrow(why);

  /** The coordinator's service over this chain, with one conviction. */
  function serviceOf(evidence: Evidence, stage: number, outcome: Partial<{ restored: (job: JobId, worker: NodeId) => Promise<void>; acquitted: (worker: NodeId, name: string, stays: boolean) => Promise<void> }> = {}) {
    const store = new MemoryDisputeStore();
    const worker = evidence.stages[stage]?.worker as NodeId;
    store.convictions.push({ job: evidence.job, stage, worker });
    const events: DisputeEvent[] = [];
    const errors: unknown[] = [];
    const { court: ours, pool } = c.portsOf(c.roles.coordinator);
    const nothing = () => expect.fail('nothing is given back');
    const make = () => new Disputes({ clock: new VirtualClock(), court: ours, pool, store, evidenceOf: async () => evidence, restored: nothing, acquitted: nothing, ...outcome, onEvent: (event) => void events.push(event), onError: (error) => void errors.push(error) }, { confirmations: 0 });
    /** Looks, restarted each time, until this happened. */
    const until = async (type: DisputeEvent['type']) => {
      for (let look = 0; look < MAX_LOOKS && !events.some((event) => event.type === type); look++) await make().step();
      const found = events.find((event) => event.type === type) ?? expect.fail(`no ${type} among ${events.map((event) => event.type).join()}: ${errors.join()}`);
      return found.dispute;
    };
    return { store, until, errors };
  }

  it('Q3: npm start finds court and pool by the chain\'s file, and on a devnet has the bonds that cases take', async () => {
    const lines: string[] = [];
    const file = JSON.parse(JSON.stringify(chainFileOf(c.local.plan, c.chain.rpc))) as object;
    for (const _again of [1, 2]) {
      const opened = await openDisputes(file, {}, (line) => void lines.push(line));
      expect(opened).toMatchObject({ court: { account: c.roles.coordinator }, confirmations: 0 });
      await opened?.ready;
    }
    expect(lines).toEqual([expect.stringContaining(c.at.DisputeCourt), expect.stringContaining('bonds for 50 cases'), expect.stringContaining(c.at.DisputeCourt)]);
    expect(await openDisputes({ ...file, network: 'sepolia' }, {}, (line) => void lines.push(line))).toBeUndefined();
    expect(lines.at(-1)).toContain('CIRO_COORDINATOR_KEY');
    await expect(openDisputes({}, {}, () => undefined)).rejects.toThrow('does not name a court and a pool');
    expect(await c.tokens(c.roles.coordinator)).toBe(50n * c.bond);
  });

  it('Q1 to Q4, Q6, D5 to D7, D9: a conviction is opened, judged by arbiters who compute for themselves, and slashed: cooling stake first, split to the unit; a second case adds nothing', async () => {
    const accused = workerAt(1);
    await accused.stake(200n * CIRO);
    // It means to leave before anybody accuses it.
    await accused.act(c.call('CdcPool', 'unstake_intent', [40n * CIRO]));
    const made = await toyEvidence(network, QUESTION, {}, { rows: (stage, rows) => (stage === 1 ? rows.map((value) => value + 0.01) : rows) });
    const { request: _request, answer_text: _text, timings: _timings, ...evidence } = made.file;
    const before = { coordinator: await c.tokens(c.roles.coordinator), treasury: await c.tokens(c.at.Treasury), supply: await c.view('CiroToken', 'total_supply') };
    const { store, until, errors } = serviceOf(evidence, 1);
    const { caseId, hash } = await until('opened');
    const found = await caseOf(caseId ?? 0);
    expect(found).toMatchObject({ accused: accused.address, challenger: c.roles.coordinator, ref: jobRef(evidence.job), evidence: evidenceFelt(hash ?? '') });
    expect(await c.tokens(c.roles.coordinator)).toBe(before.coordinator - c.bond);

    const finding = await findWorker(found, (await store.text(hash as never)) ?? '', judging);
    expect(finding.finding).toBe('guilty');
    await c.passUntil(found.voteFrom);
    // A machine that has not this model's file does not vote by itself.
    await using pages = await servePages({ [`/v1/disputes/${found.evidence}/file`]: (await store.text(hash as never)) ?? '' });
    const unable = handOf(third());
    expect(await failed(castVote(unable, auto(found.id, pages.url)))).toBe(true);
    expect(unable.said.slice(-2)).toEqual([expect.stringContaining('cannot tell'), 'no vote was cast']);
    for (const [who, slash] of [[arbiter(), 90n * CIRO], [second(), 80n * CIRO]] as const) await c.settled('vote', await court(who).vote(found.id, finding.finding === 'guilty', slash));
    await refused(c.as(third(), vote(found.id, true, CIRO)), 'CIRO-DC: decided');
    const { ruling } = await until('guilty');
    expect(ruling).toMatchObject({ guilty: true, byTimeout: false, slashed: 80n * CIRO, bondTo: c.roles.coordinator });
    await c.settled('finalise, guilty', ruling?.transaction ?? '');
    expect(errors).toEqual([]);

    expect(await c.portsOf(c.nobody).pool.worker(accused.address)).toMatchObject({ cooling: 0n, stake: 120n * CIRO });
    expect([await c.tokens(c.roles.coordinator), await c.tokens(c.at.Treasury), await c.view('CiroToken', 'total_supply')]).toEqual([before.coordinator + 24n * CIRO, before.treasury + 40n * CIRO, before.supply - 16n * CIRO]);
    expect(await c.conserved()).toBe(true);

    // Half of 200 is what this job may cost, whoever accuses again.
    const again = await openAs(c.nobody, 0, accused.address, jobRef(evidence.job));
    await c.passUntil((await caseOf(again)).voteFrom);
    for (const who of [arbiter(), second()]) await c.as(who, vote(again, true, 1_000n * CIRO));
    await c.as(c.nobody, finalise(again));
    expect(await court(c.nobody).ruling(again, 0)).toMatchObject({ guilty: true, slashed: 20n * CIRO });
    expect(await c.portsOf(c.nobody).pool.atRisk(accused.address)).toBe(100n * CIRO);
    expect(await c.conserved()).toBe(true);
  });

  it('Q2, Q4: an honest worker whom two auditors and the coordinator accuse falsely ends whole: stake, bond, credit and standing; the accuser pays', async () => {
    const accused = workerAt(0);
    await accused.stake(100n * CIRO);
    const evidence = await framedEvidence(network, QUESTION, 0);
    const { job } = evidence;
    const node = evidence.stages[0]?.worker as NodeId;
    // What the audits did to its money and its standing.
    const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
    const earlier = 'e'.repeat(32) as JobId;
    await ledger.start();
    await ledger.openTrial('ada');
    for (const each of [earlier, job]) {
      await ledger.hold(each, 'ada', 100n);
      await ledger.settle(each, { debit: 60n, fee: 0n, credits: [{ worker: node, amount: 60n }] });
    }
    await ledger.payable(earlier, node, 5_000n);
    const standings = new MemoryStandingStore();
    await standings.change(node, { failedAudits: 1, demotedAt: 5 }, 5);
    await ledger.failed(job, [node]);
    expect(await ledger.workerTotals(node)).toEqual({ pending: 0n, payable: 30n, withheld: 0n });

    const [coordinator, own] = [await c.tokens(c.roles.coordinator), await c.tokens(accused.address)];
    const { store, until } = serviceOf(evidence, 0, { restored: (of, worker) => ledger.restored(of, worker), acquitted: async (worker, name, stays) => void (await standings.acquit(worker, name, stays, 9)) });
    const { caseId, hash } = await until('opened');
    const id = caseId ?? 0;
    await accused.act(c.call('DisputeCourt', 'respond', [id, evidenceFelt(textHash('my own run of it'))]));
    const found = await caseOf(id);
    expect(found.answer).toBe(evidenceFelt(textHash('my own run of it')));
    const finding = await findWorker(found, (await store.text(hash as never)) ?? '', judging);
    expect(finding.finding).toBe('not guilty');
    // Answered: votes come at once.
    for (const who of [arbiter(), third()]) await c.as(who, vote(id, false, 0n));
    const { ruling } = await until('acquitted');
    expect(ruling).toMatchObject({ guilty: false, byTimeout: false, slashed: 0n, bondTo: accused.address });
    await c.settled('finalise, not guilty', ruling?.transaction ?? '');

    expect([await c.tokens(c.roles.coordinator), await c.tokens(accused.address)]).toEqual([coordinator - c.bond, own + c.bond]);
    expect(await c.portsOf(c.nobody).pool.worker(accused.address)).toMatchObject({ stake: 100n * CIRO });
    expect(await ledger.workerTotals(node)).toEqual({ pending: 0n, payable: 90n, withheld: 30n });
    expect((await standings.list([node])).get(node)).toMatchObject({ failedAudits: 0, demotedAt: null });
    expect(await c.conserved()).toBe(true);
    // A file about somebody else accuses nobody here.
    const other = caseFileOf(evidence, 0);
    if ('why' in other) throw new Error(other.why);
    expect((await findWorker({ ...found, ref: '0x5' }, caseText(other), judging)).finding).toBe('not guilty');
    expect((await findWorker(found, `${caseText(other)} `, judging)).finding).toBe('cannot tell');
  });

  it('D2 to D5: every window ends to the second, and where nobody answers and too few vote the accused wins', async () => {
    const accused = workerAt(0);
    const own = await c.tokens(accused.address);
    const id = await openAs(c.nobody, 0, accused.address, 77);
    const { voteFrom, voteUntil, respondUntil } = await caseOf(id);
    expect([respondUntil, voteUntil - voteFrom]).toEqual([voteFrom, c.voteWindow]);
    await c.stopAt(voteFrom - 1);
    await refused(c.as(arbiter(), vote(id, true, CIRO)), 'CIRO-DC: vote not open');
    await c.stopAt(voteFrom);
    expect(await c.sendNow(arbiter(), vote(id, true, CIRO))).toBeNull();
    await refused(c.as(arbiter(), vote(id, true, CIRO)), 'CIRO-DC: voted');
    await c.stopAt(voteUntil - 1);
    await refused(c.as(c.nobody, finalise(id)), 'CIRO-DC: not decided');
    await c.stopAt(voteUntil);
    await refused(c.as(second(), vote(id, true, CIRO)), 'CIRO-DC: vote window over');
    expect(await c.sendNow(c.nobody, finalise(id))).toBeNull();
    expect(await court(c.nobody).ruling(id, 0)).toMatchObject({ guilty: false, byTimeout: true, slashed: 0n, bondTo: accused.address });
    expect(await c.tokens(accused.address)).toBe(own + c.bond);
    await refused(c.as(c.nobody, finalise(id)), 'CIRO-DC: case closed');

    expect(await c.conserved()).toBe(true);
  });

  it('D2, D4: nobody judges its own case: not who opened it, not who is accused, not whom the accused is paid to; and a case keeps no other about its job out', async () => {
    const opened = await openAs(arbiter(), 0, workerAt(0).address, 78);
    const beside = await openAs(c.nobody, 0, workerAt(0).address, 78);
    expect(await court(c.nobody).refCap({ kind: 'worker', accused: workerAt(0).address, ref: '0x4e' })).toMatchObject({ openCases: 2 });
    await c.as(second(), c.call('CdcPool', 'register', [1, third()]));
    const accused = await openAs(c.nobody, 0, second(), 80);
    await refused(openAs(second(), 0, second(), 81), 'CIRO-DC: own case');
    await refused(openAs(c.nobody, 0, c.roles.guardian, 82), 'CIRO-DC: bad accused');
    await c.as(second(), c.call('DisputeCourt', 'respond', [accused, 5]));
    await refused(c.as(second(), vote(accused, false, 0n)), 'CIRO-DC: interested arbiter');
    await refused(c.as(third(), vote(accused, false, 0n)), 'CIRO-DC: interested arbiter');
    await refused(c.as(c.nobody, vote(accused, false, 0n)), 'CIRO-AC');
    await refused(c.as(arbiter(), vote(accused, true, 0n)), 'CIRO-DC: bad slash amount');
    const mayVote = (id: number) => Promise.all(c.roles.arbiters.map((who) => court(who).mayVote(id, who)));
    expect([await mayVote(opened), await mayVote(accused)]).toEqual([[false, false, false], [true, false, false]]);
    await c.passUntil((await caseOf(opened)).voteFrom);
    await refused(c.as(arbiter(), vote(opened, true, CIRO)), 'CIRO-DC: interested arbiter');
    expect(await mayVote(opened)).toEqual([false, true, true]);
    await c.passUntil((await caseOf(opened)).voteUntil);
    await c.passUntil((await caseOf(accused)).voteUntil);
    for (const id of [opened, beside, accused]) await c.as(c.nobody, finalise(id));
    expect(await c.conserved()).toBe(true);
  });

  it('Q5: a wrong epoch is held and vetoed by whoever recomputes it; who disputes a right one pays the treasury, and it is released', async () => {
    const caller = new ContractCaller({ rpc: c.chain.rpc, chainId: c.portsOf(c.nobody).chainId });
    const sealed = (epoch: number) => {
      const draft = draftEpoch({ network: 'court', chainId: caller.chainId, store: c.at.CommitmentStore, epoch, payees: [{ account: '0xaa', cumulative: 5n }, { account: '0xbb', cumulative: 7n }] });
      return sealEpoch(draft, rootOf(growTree(leavesOf(draft), { depth: draft.depth })));
    };
    await c.give(c.at.CommitmentStore, 1_000n);
    const ours = court(c.nobody);
    await using pages = await servePages({ '/v1/epochs/1': JSON.stringify(sealed(1)), '/v1/epochs/2': JSON.stringify(sealed(2)) });
    for (const [epoch, right] of [[1, false], [2, true]] as const) {
      const before = [await c.tokens(c.nobody), await c.tokens(c.at.Treasury)] as const;
      const { root, total, count, depth, data_hash: dataHash } = sealed(epoch);
      await c.as(c.roles.settler, c.call('CommitmentStore', 'post_epoch', [epoch, right ? root : '0xbad', total, count, depth, dataHash]));
      const dispute = async (force: boolean) => {
        const hand = handOf(c.nobody);
        return { failed: await failed(disputeEpoch(hand, { do: 'root', url: pages.url, epoch, force })), said: hand.said.join('\n') };
      };
      if (right) {
        const told = await dispute(false);
        expect(told.failed).toBe(true);
        expect(told.said).toMatch(/right: the published entries give what was posted\n.*nothing was disputed.*leave your bond of 10 to the treasury/s);
        expect((await epochOnChain(caller, c.at.CommitmentStore, epoch))?.state).toBe('pending');
      }
      const told = await dispute(right);
      expect([told.failed, told.said]).toEqual([false, expect.stringContaining(right ? 'disputing it all the same' : 'root of the published entries is')]);
      const id = await ours.caseCount();
      expect((await epochOnChain(caller, c.at.CommitmentStore, epoch))?.state).toBe('held');
      const { respondUntil } = await caseOf(id);
      const respond = c.call('DisputeCourt', 'respond', [id, 3]);
      // To the second, too.
      await refused(c.as(arbiter(), respond), 'CIRO-DC: not accused');
      await c.stopAt(right ? respondUntil : respondUntil - 1);
      if (right) await refused(c.as(c.roles.settler, respond), 'CIRO-DC: response window over');
      else expect(await c.sendNow(c.roles.settler, respond)).toBeNull();
      await c.passUntil((await caseOf(id)).voteFrom);
      for (const who of [arbiter(), second()]) expect(await failed(castVote(handOf(who), auto(id, pages.url)))).toBe(false);
      await c.settled('finalise, root', await ours.finalise(id));
      const after = [await c.tokens(c.nobody), await c.tokens(c.at.Treasury)] as const;
      expect([after[0] - before[0], after[1] - before[1]]).toEqual(right ? [-c.bond, c.bond] : [0n, 0n]);
      expect((await epochOnChain(caller, c.at.CommitmentStore, epoch))?.state).toBe(right ? 'pending' : 'vetoed');
    }
    await c.passUntil(((await epochOnChain(caller, c.at.CommitmentStore, 2))?.claimableAt ?? 0) + 1);
    expect([await c.view('CommitmentStore', 'is_claimable', [1]), await c.view('CommitmentStore', 'is_claimable', [2])]).toEqual([0n, 1n]);
    expect(await c.conserved()).toBe(true);
  });

  it('D2, D5: a client whose result is wrong disputes its job and has all of its budget back', async () => {
    await c.as(c.roles.coordinator, c.call('JobManager', 'register_model', [1, 2, 3, 4]));
    const before = await c.tokens(c.nobody);
    const budget = 50n * CIRO;
    const deadline = (await c.chain.blockTime()) + 86_400;
    await c.as(c.nobody, c.approve('JobManager', budget), c.call('JobManager', 'create_job', [1, c.at.CiroToken, 1, 9, budget, deadline]));
    const [job = '0x0'] = await c.chain.view(c.call('JobManager', 'job_id_of', [c.nobody, 1]));
    await c.as(c.roles.coordinator, c.call('JobManager', 'start_job', [job]), c.call('JobManager', 'submit_result', [job, 7, budget / 2n]));
    await refused(openAs(arbiter(), 2, '0x0', job), 'CIRO-DC: not client');
    const id = await openAs(c.nobody, 2, '0x0', job);
    await c.as(c.roles.coordinator, c.call('DisputeCourt', 'respond', [id, 4]));
    for (const who of [second(), third()]) await c.as(who, vote(id, true, 0n));
    await c.as(c.nobody, finalise(id));
    expect(await c.tokens(c.nobody)).toBe(before);
    expect(await c.view('JobManager', 'held', [c.at.CiroToken])).toBe(0n);
    expect(await c.conserved()).toBe(true);
  });

  it('X11, X12: the pool takes what workers did, a worker proves by it that it was there, and the settler says who is there; doing so again changes nothing', async () => {
    const { address, act } = workerAt(0);
    const { pool, chainId } = c.portsOf(c.roles.settler);
    if ((await pool.lastSeen([address]))[0] === null) await act(c.call('CdcPool', 'register', ['0xca9', address]));
    const [seen] = await pool.lastSeen([address]);
    await c.passUntil((await c.chain.blockTime()) + 100);
    const last_seen = (seen ?? expect.fail('not registered')) + 60;
    const entries = [{ worker: hex(BigInt(address)), jobs: 3, audits_passed: 2, audits_failed: 1, last_seen }, { worker: '0x5', jobs: 1, audits_passed: 0, audits_failed: 0, last_seen }];
    const draft = draftPerformance({ chainId, pool: pool.pool, epoch: 1, entries });
    const tree = performanceTree(draft);
    const root = hex(rootOf(tree));
    expect(await pool.recorded(1)).toBeUndefined();
    for (let time = 0; time < 2; time++) await c.settled('record_epoch', await pool.record({ ...draft, root }));
    expect(await pool.recorded(1)).toEqual({ root, count: 2, depth: 1 });
    await expect(pool.record({ ...draft, root: '0x9' })).rejects.toThrow('CIRO-CP: epoch exists');
    const index = draft.entries.findIndex(({ worker }) => worker === hex(BigInt(address)));
    expect(await c.view('CdcPool', 'performance_leaf', [1, address, 3, 2, 1, last_seen])).toBe(tree.levels[0]?.[index]);
    const proof = proofOf(tree, index);
    await act(c.call('CdcPool', 'prove_active', [address, 1, index, 3, 2, 1, last_seen, proof.length, ...proof]));
    expect(await pool.lastSeen([address, '0x5'])).toEqual([last_seen, null]);
    for (let time = 0; time < 2; time++) await c.settled('touch', await pool.touch([address, '0x5']));
    expect((await pool.lastSeen([address]))[0]).toBeGreaterThan(last_seen);
    expect(await pool.isActive(address)).toBe(true);
    expect(await pool.inactiveAfter()).toBe(86_400);
  });
});
