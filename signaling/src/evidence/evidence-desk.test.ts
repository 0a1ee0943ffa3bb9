import { expect, it } from 'vitest';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import { Ledger } from '../ledger/ledger.ts';
import { MemoryLedgerStore } from '../ledger/memory-ledger-store.fixture.ts';
import { settleJob } from '../intake/settle-job.ts';
import { EvidenceDesk } from './evidence-desk.ts';
import { makeRecord, workerId } from './job-record.fixture.ts';
import { MemoryJobArchive } from './memory-job-archive.fixture.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { JobRecord } from '../scheduler/job-order.ts';

const job = '1'.repeat(32) as JobId;
const MODEL_ID = '5'.repeat(64) as HexHash;
const ARCHITECTURE = { family: 'llama', layers: 30, hidden: 8, heads: 2, kvHeads: 1, headDim: 4, feedForward: 16, vocabulary: 61, context: 128, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true } as const;

async function setup() {
  const ledger = new Ledger(new MemoryLedgerStore(), { now: () => 1_000 });
  const archive = new MemoryJobArchive();
  await ledger.start();
  await ledger.openTrial('ada');
  await ledger.hold(job, 'ada', 100n);
  await archive.open({ job, account: 'ada', modelId: MODEL_ID, createdAt: 1_000 });
  const desk = new EvidenceDesk({
    archive,
    ledger,
    coordinatorPublicKey: '04ab',
    modelOf: (id) => (id === MODEL_ID ? { name: 'tiny', file: { sha256: '9'.repeat(64) }, architecture: ARCHITECTURE } : undefined),
    identityKeys: async (nodes) => new Map(nodes.slice(0, 1).map((node) => [node, '0x7'])),
  });
  const settle = async (record: JobRecord): Promise<void> => {
    await archive.record(job, record, 'text');
    await settleJob({ ledger, notices: { credited: () => undefined } }, job, record);
  };
  const evidence = async () => {
    const answer = await desk.find(job, 'ada');
    if (answer.state !== 'recorded') throw new Error(answer.state);
    return answer.evidence;
  };
  return { archive, desk, settle, evidence };
}

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
