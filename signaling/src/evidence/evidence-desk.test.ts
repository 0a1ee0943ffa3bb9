import * as v from 'valibot';
import { expect, it } from 'vitest';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { Evidence } from '@ciro/core/evidence/evidence.ts';
import { sealEntry } from '@ciro/core/ledger/entry.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import { MemoryAuditStore } from '../audit/memory-audit-store.fixture.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { settleJob } from '../intake/settle-job.ts';
import { EvidenceDesk } from './evidence-desk.ts';
import { makeRecord, workerId } from './job-record.fixture.ts';
import { MemoryJobArchive } from './memory-job-archive.fixture.ts';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { AccountName } from '@ciro/core/ledger/entry.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { JobRecord } from '../scheduler/job-order.ts';
import type { OpenedJob } from './job-archive.ts';

const job = '1'.repeat(32) as JobId;
const MODEL_ID = '5'.repeat(64) as HexHash;
const MANIFEST: ModelManifest = {
  format: 1,
  name: 'tiny',
  licence: 'MIT',
  file: { name: 'tiny.gguf', sha256: '9'.repeat(64), bytes: 1 },
  architecture: { family: 'llama', layers: 30, hidden: 8, heads: 2, kvHeads: 1, headDim: 4, feedForward: 16, vocabulary: 61, context: 128, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true },
  shards: [],
  stopIds: [2],
  calibration: { sha256: '0'.repeat(64), base64: '' },
};

async function setup(place: Partial<Pick<OpenedJob, 'corrects' | 'continues'>> = {}) {
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  const archive = new MemoryJobArchive();
  const audits = new MemoryAuditStore();
  await ledger.start();
  await ledger.openTrial('ada');
  const open = async (id: JobId, own: typeof place): Promise<void> => {
    await ledger.hold(id, 'ada', 100n);
    await archive.open({ job: id, account: 'ada', modelId: MODEL_ID, createdAt: 1_000, assurance: 'stream', corrects: null, continues: null, ...own });
  };
  await open(job, place);
  const desk = new EvidenceDesk({
    archive,
    ledger,
    audits,
    coordinatorPublicKey: '04ab',
    modelOf: (id) => (id === MODEL_ID ? { manifest: MANIFEST, template: '{{ messages }}' } : undefined),
    identityKeys: async (nodes) => new Map(nodes.slice(0, 1).map((node) => [node, '0x7'])),
  });
  const settle = async (record: JobRecord): Promise<void> => {
    const { plan } = record.signed;
    await archive.record(plan.job, record, 'text');
    await settleJob({ ledger, notices: { credited: () => undefined } }, plan.job, record);
  };
  const evidence = async (options: { pieces?: boolean } = {}) => {
    const answer = await desk.find(job, 'ada', options);
    if (answer.state !== 'recorded') throw new Error(answer.state);
    return answer.evidence;
  };
  return { archive, audits, desk, ledger, open, settle, evidence };
}

/** A draw that audits stage 0 and passes the others by. */
const drawOf = (record: JobRecord): AuditDraw => ({
  roots: record.stages.map(({ root }) => root?.root ?? null),
  rootsHash: 'a'.repeat(64) as HexHash,
  coordinator: record.coordinatorNonce,
  requester: null,
  workers: record.stages.map(() => null),
  beacon: 'b'.repeat(64) as HexHash,
  stages: record.stages.map((_, stage) => ({ rate: 0.5, draw: stage === 0 ? 0.1 : 0.9, units: stage === 0 ? 1 : 0, reason: stage === 0 ? 'drawn' : null })),
});

const transcriptOf = (record: JobRecord, outcome: Transcript['outcome']): Transcript => ({
  ...{ format: 1, network: 'ciro-test', job: record.signed.plan.job, planHash: record.planHash, stage: 0, worker: workerId(1), reason: 'drawn', beacon: 'b'.repeat(64) as HexHash },
  ...{ units: 1, candidates: [], opinions: [], outcome, note: '', decidedAt: 1_500 },
});

it('a job is nobody else\'s business, and is running until it is charged', async () => {
  const { archive, desk, settle } = await setup();
  expect(await desk.find(job, 'bob')).toEqual({ state: 'unknown' });
  expect(await desk.find('2'.repeat(32), 'ada')).toEqual({ state: 'unknown' });
  expect(await desk.find(job, 'ada')).toEqual({ state: 'running' });
  await archive.record(job, makeRecord({ job }), 'text');
  expect(await desk.find(job, 'ada')).toEqual({ state: 'running' });
  await settle(makeRecord({ job }));
  expect(await desk.find(job, 'ada')).toMatchObject({ state: 'recorded', evidence: { job, ledger: { entry: { sequence: 3 } } } });
  expect(await desk.find(job, 'bob')).toEqual({ state: 'unknown' });
});

it('stages are pending until the draw, then passed by, or pending until their transcript is there (SPEC A2)', async () => {
  const { audits, settle, evidence } = await setup();
  const record = makeRecord({ job });
  await settle(record);
  const statuses = async (): Promise<readonly string[]> => (await evidence()).stages.map(({ audit_status: status }) => status);
  expect([await statuses(), (await evidence()).draw]).toEqual([['pending', 'pending', 'pending'], null]);
  await audits.saveDraw(job, drawOf(record));
  expect(await statuses()).toEqual(['pending', 'passed by', 'passed by']);
  await audits.saveTranscript(transcriptOf(record, 'unpaid'));
  expect(await statuses()).toEqual(['unpaid', 'passed by', 'passed by']);
  expect(await evidence()).toMatchObject({ draw: { beacon: 'b'.repeat(64) }, audits: [{ stage: 0, outcome: 'unpaid' }] });
});

it('a stage that committed to nothing is unpaid once the draw is made: the draw does not pass it by (SPEC A2, G2)', async () => {
  const { audits, settle, evidence } = await setup();
  const record = makeRecord({ job, finish: 'moved' });
  const lost = { ...record, stages: record.stages.map((stage, index) => (index === 1 ? { worker: stage.worker, layers: stage.layers, link: stage.link, units: [], paidPositions: 0 } : stage)) };
  await settle(lost);
  await audits.saveDraw(job, drawOf(lost));
  expect((await evidence()).stages.map(({ audit_status: status }) => status)).toEqual(['pending', 'unpaid', 'passed by']);
});

it('pieces are given only when they are asked for, while there are any', async () => {
  const { audits, settle, evidence } = await setup();
  await settle(makeRecord({ job }));
  const hash = 'c'.repeat(64) as HexHash;
  await audits.savePiece(hash, job, Uint8Array.of(1, 2, 3), 1_000);
  expect((await evidence()).pieces).toBeUndefined();
  expect((await evidence({ pieces: true })).pieces).toEqual({ [hash]: 'AQID' });
  await audits.prunePieces(2_000);
  expect((await evidence({ pieces: true })).pieces).toEqual({});
});

it('evidence says which job it puts right and which puts it right, and what went back (SPEC M7)', async () => {
  const { ledger, open, settle, evidence } = await setup({ corrects: '3'.repeat(32) as JobId });
  const record = makeRecord({ job });
  await settle(record);
  expect(await evidence()).toMatchObject({ corrects: '3'.repeat(32), corrected_by: null, ledger: { refunded: '0' } });
  const again = '2'.repeat(32) as JobId;
  await open(again, { corrects: job });
  await settle(makeRecord({ job: again }));
  await ledger.failed(job, [workerId(1)]);
  const { ledger: booked, corrected_by: by } = await evidence();
  expect([by, booked.refunded, booked.credits.map(({ status }) => status)]).toEqual([again, booked.debit, ['void', 'pending', 'pending']]);
});

it('evidence says which job it goes on from and which goes on from it, once that one is recorded (SPEC G2)', async () => {
  const { archive, open, settle, evidence } = await setup({ continues: '3'.repeat(32) as JobId });
  await settle(makeRecord({ job, finish: 'moved' }));
  const next = '2'.repeat(32) as JobId;
  await open(next, { continues: job });
  expect(await evidence()).toMatchObject({ finish_reason: 'moved', continues: '3'.repeat(32), continued_by: null, corrects: null, corrected_by: null });
  await archive.record(next, makeRecord({ job: next }), 'text');
  expect(await evidence()).toMatchObject({ continued_by: next, corrected_by: null });
});

it('what is handed out has the form that a client checks, and its entry the hash of what it says (SPEC M4)', async () => {
  const { settle, evidence } = await setup();
  const record = makeRecord({ job });
  await settle(record);
  // The fixture's manifest has no shards; everything else is as it comes from the rooms.
  const { manifest: _manifest, ...entries } = Evidence.entries;
  const { manifest: _own, plan, ...rest } = await evidence();
  expect(v.safeParse(v.strictObject(entries), { ...rest, plan: { ...plan, coordinator_public_key: `04${'ab'.repeat(64)}` } }).issues).toBeUndefined();
  const { kind, key, at, lines, sequence, previous, hash } = rest.ledger.entry;
  expect(hash).toBe(sealEntry({ kind: kind as 'charge', key, job, at, lines: lines.map(({ account, amount }) => ({ account: account as AccountName, amount: BigInt(amount) })) }, sequence, previous).hash);
  expect([kind, key, lines.length]).toEqual(['charge', `close:${job}`, 6]);
});

it('a leaf can be made anew from what the evidence opens (SPEC U3)', async () => {
  const { settle, evidence } = await setup();
  const record = makeRecord({ job });
  await settle(record);
  const { stages } = await evidence();
  const [unit] = stages[1]?.units ?? [];
  const body = record.stages[1]?.units[0]?.receipt.body;
  if (unit === undefined || body === undefined) throw new Error('no unit');
  const context = { network: 'ciro-test', worker: workerId(2), job, planHash: record.planHash, stage: 1, modelId: MODEL_ID, precision: 'f32' } as const;
  const hashes = { unit: 0, from: unit.from, to: unit.to, inputHash: unit.input_sha256, payloadHash: unit.payload_sha256, canonHash: unit.canonical_sha256, hintHash: unit.hint_sha256, linkHash: unit.link_sha256 };
  expect(unit.leaf_sha256).toBe(leafHash(context, hashes, unit.salt ?? ''));
  expect(stages.map((stage) => stage.identity_public_key)).toEqual(['0x7', null, null]);
});

it('an acknowledgement of another receipt does not count as valid', async () => {
  const { settle, evidence } = await setup();
  const record = makeRecord({ job });
  const [first, ...rest] = record.stages;
  const unit = first?.units[0];
  if (first === undefined || unit?.acknowledgement === undefined) throw new Error('no unit');
  const right = { ...unit, acknowledgement: { ...unit.acknowledgement, receiptHash: receiptHash(unit.receipt.body) } };
  await settle({ ...record, stages: [{ ...first, units: [right] }, ...rest] });
  const { stages } = await evidence();
  const words = stages.map(({ receipts }) => receipts.find(({ kind }) => kind === 'acknowledgement')?.valid);
  expect(words).toEqual([true, false, false]);
});

it('a stage that posted nothing is shown as such, and does not hide the others', async () => {
  const { settle, evidence } = await setup();
  const record = makeRecord({ job });
  const [first, second, third] = record.stages;
  if (first === undefined || second === undefined || third === undefined) throw new Error('no stages');
  await settle({ ...record, stages: [first, { worker: second.worker, layers: second.layers, link: 'unknown', units: [], paidPositions: 0 }, third] });
  const { stages, ledger } = await evidence();
  expect(stages[1]).toMatchObject({ engine: 'unknown', units: [], receipts: [], root: null, paid_positions: 0, ms_per_token: { p50: 0, p95: 0 } });
  expect(ledger.credits[1]).toEqual({ worker: workerId(2), amount: '0', status: 'pending' });
  expect(ledger.credits.reduce((sum, { amount }) => sum + BigInt(amount), BigInt(ledger.fee))).toBe(BigInt(ledger.debit));
});
