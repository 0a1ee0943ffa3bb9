import { createHash } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-committer.ts';
import { identityPublicKey, nodeIdOf, signJobRoot } from '@ciro/core/identity/identity.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { acknowledgementBytes, disagreementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import { generateCoordinatorKey } from '../keys/coordinator-key.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { buildPlan, idsHash } from './build-plan.ts';
import { JobEvidence } from './job-evidence.ts';
import { buildRecord } from './job-record.ts';
import { FakeWorkers, orderOf } from './workers.fixture.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { Worker } from '../sessions/worker.ts';
import type { UnitMessage } from './job-evidence.ts';
import type { JobRecord } from './job-order.ts';

const hash = (text: string): HexHash => createHash('sha256').update(text).digest('hex') as HexHash;
const HINTS = Buffer.from('hints');
const PROMPT = 10;
/** Ids after positions 9 … 27: 18 positions of prompt and answer, then one more that nobody is given. */
const GENERATED = [11, 12, 13, 14, 15, 16, 17, 18, 19];
const SURPLUS = [20];
const ACCEPTED = PROMPT + GENERATED.length - 1;

let coordinator: CoordinatorKey;
/** Device keys of the stages; a P-256 key is a P-256 key. */
let devices: CoordinatorKey[];
beforeAll(async () => {
  coordinator = await generateCoordinatorKey();
  devices = await Promise.all([0, 1, 2].map(() => generateCoordinatorKey()));
});

interface Changes {
  /** Changes a unit's body before it is signed, by stage. */
  readonly body?: (stage: number, body: UnitMessage['receipt']['body']) => UnitMessage['receipt']['body'];
  readonly signer?: (stage: number) => CoordinatorKey;
  readonly acknowledger?: (stage: number) => CoordinatorKey | undefined;
  /** Key that signs a disagreement of stage 1 with unit 0 of stage 0. */
  readonly accuser?: CoordinatorKey;
  readonly salts?: (stage: number, salts: string[]) => string[];
  /** Hints of a unit as they are sent. */
  readonly hints?: (stage: number, unit: number) => string | undefined;
  readonly rootKey?: string;
  readonly acceptedTo?: number;
}

/** The record of a job of `count` stages over 19 positions, all honest but for the changes. */
async function recordOf(count: number, changes: Changes = {}): Promise<{ record: JobRecord; forgeries: readonly { worker: string; what: string }[]; workers: Worker[] }> {
  const pool = new FakeWorkers();
  const secrets = new Map<string, string>();
  for (let stage = 0; stage < count; stage++) {
    const secret = `0x${stage + 7}`;
    const open = identityPublicKey(secret);
    secrets.set(nodeIdOf(open), secret);
    pool.join(stage, {}, { nodeId: nodeIdOf(open), identityPublicKey: open, devicePublicKey: devices[stage]?.publicKey ?? '' });
  }
  const workers = [...secrets.keys()].flatMap((id) => pool.workers().filter((worker) => worker.nodeId === id));
  const order = orderOf(1, { promptIds: new Uint32Array(PROMPT).fill(3), maxTokens: 30 });
  const plan = buildPlan(order, workers.map((worker, stage) => ({ worker, layers: [stage, stage + 1] as const, nonce: null })), { network: 'ciro-test', version: 1, nonce: new Uint8Array(32) });
  const planHash = planHashOf(plan);
  const evidence = new JobEvidence(plan, planHash);
  const ids = [...new Array<number>(PROMPT - 1).fill(NO_ID), ...GENERATED, ...SURPLUS];
  for (const [stage, worker] of workers.entries()) {
    const leaves: string[] = [];
    for (const [unit, to] of [[0, 16], [1, 19]] as const) {
      const from = unit * UNIT_POSITIONS;
      const payloadHash = hash(`payload ${stage} ${unit}`);
      const honest = { network: 'ciro-test', job: plan.job, planHash, stage, worker: worker.nodeId, unit, from, to, inputHash: hash(`input ${stage} ${unit}`), payloadHash, linkHash: stage === count - 1 ? idsHash(ids.slice(from, to)) : payloadHash };
      const body = changes.body?.(stage, honest) ?? honest;
      const signature = await ((changes.signer?.(stage) ?? devices[stage]) as CoordinatorKey).sign(receiptBytes(body));
      const [canonHash, hintHash] = [hash(`canon ${stage} ${unit}`), hash(HINTS.toString())];
      evidence.unit(stage, { type: 'unit', receipt: { body, signature }, canonHash, hintHash, hints: changes.hints?.(stage, unit) ?? HINTS.toString('base64') });
      leaves.push(leafHash({ network: plan.network, worker: worker.nodeId, job: plan.job, planHash, stage, modelId: plan.modelId, precision: 'f32' }, { ...body, canonHash, hintHash }, saltOf(unit)));
      const next = (stage + 1) % count;
      const acknowledger = changes.acknowledger === undefined ? devices[next] : changes.acknowledger(stage);
      const receiptHashed = receiptHash(body);
      const signer = (workers[next] as Worker).nodeId;
      if (count > 1 && acknowledger !== undefined) evidence.acknowledge(next, { receiptHash: receiptHashed, signer, signature: await acknowledger.sign(acknowledgementBytes(receiptHashed, signer)) });
    }
    if (stage === 0 && changes.accuser !== undefined) {
      const receipt = evidence.stages[0]?.units.get(0)?.message.receipt as UnitMessage['receipt'];
      const by = (workers[1] as Worker).nodeId;
      evidence.disagree(1, { type: 'disagree', job: plan.job, receipt, linkHash: hash('other'), signature: await changes.accuser.sign(disagreementBytes(receiptHash(receipt.body), by, hash('other'))) });
    }
    const signed = { network: plan.network, job: plan.job, planHash, stage, root: merkleRoot(leaves) };
    const none = { p50: 0, p95: 0 };
    const salts = [saltOf(0), saltOf(1)];
    evidence.root(stage, {
      type: 'root',
      ...signed,
      job: plan.job,
      signature: signJobRoot(signed, changes.rootKey ?? secrets.get(worker.nodeId) ?? ''),
      salts: changes.salts?.(stage, salts) ?? salts,
      stats: { engine: 'wasm', decodeMs: none, commitMs: none, unitMs: none, lapMs: none, peakMemoryBytes: 5 },
    });
  }
  const input = { signed: { plan, signature: 'ab'.repeat(64) }, planHash, coordinatorNonce: '00'.repeat(32), promptIds: order.promptIds, generated: GENERATED, surplus: SURPLUS, acceptedTo: changes.acceptedTo ?? ACCEPTED, finish: 'cancelled' as const, pace: { ttftMs: 1, tokensPerSecond: 2 }, evidence, workers, links: workers.map(() => 'direct' as const) };
  return { ...(await buildRecord(input, coordinator)), workers };
}
const saltOf = (unit: number): string => hash(`salt ${unit}`).slice(0, 32);
const paid = (record: JobRecord): number[] => record.stages.map((stage) => stage.paidPositions);
const rooted = (record: JobRecord): boolean[] => record.stages.map((stage) => stage.root !== undefined);

it('R1, R2, K4: an honest job is paid in full up to what was accepted, and its roots hold', async () => {
  const { record, forgeries } = await recordOf(3);
  expect([paid(record), rooted(record), forgeries]).toEqual([[18, 18, 18], [true, true, true], []]);
  expect(record).toMatchObject({ tokenIds: GENERATED, promptIds: new Array(PROMPT).fill(3), finish: 'cancelled', disagreements: [], ttftMs: 1, tokensPerSecond: 2, stages: [{ link: 'direct', layers: [0, 1], stats: { peakMemoryBytes: 5 } }, {}, {}] });
});

it('a cancelled answer without a token pays nothing', async () => {
  expect(paid((await recordOf(3, { acceptedTo: 0 })).record)).toEqual([0, 0, 0]);
});

it('R1: a receipt signed by another key is not paid and its sender is named; the other stages are paid', async () => {
  const { record, forgeries, workers } = await recordOf(3, { signer: (stage) => devices[stage === 1 ? 0 : stage] as CoordinatorKey });
  expect(paid(record)).toEqual([18, 0, 18]);
  expect(record.stages[1]?.units.map((unit) => unit.receiptValid)).toEqual([false, false]);
  expect(forgeries.map((forgery) => forgery.worker)).toEqual([workers[1]?.nodeId, workers[1]?.nodeId]);
});

it('R2: without its neighbour\'s acknowledgement a unit is not paid; a forged one names the neighbour', async () => {
  const missing = await recordOf(3, { acknowledger: (stage) => (stage === 0 ? undefined : devices[(stage + 1) % 3]) });
  expect([paid(missing.record), missing.forgeries]).toEqual([[0, 18, 18], []]);
  const forged = await recordOf(3, { acknowledger: (stage) => devices[stage === 0 ? 2 : (stage + 1) % 3] });
  expect(paid(forged.record)).toEqual([0, 18, 18]);
  expect(forged.record.stages[0]?.units.map((unit) => unit.acknowledgementValid)).toEqual([false, false]);
  expect(new Set(forged.forgeries.map((forgery) => forgery.worker))).toEqual(new Set([forged.workers[1]?.nodeId]));
});

it('U4: a receipt whose link hash is not what it must be is not valid, at the ids and between stages', async () => {
  const { record } = await recordOf(3, { body: (stage, body) => (stage === 1 ? body : { ...body, linkHash: hash('something else') }) });
  expect(paid(record)).toEqual([0, 18, 0]);
});

it('U4: ids that the coordinator was never given cannot be paid', async () => {
  const { record } = await recordOf(3, { body: (stage, body) => (stage === 2 && body.unit === 1 ? { ...body, to: 25 } : body) });
  expect(paid(record)).toEqual([18, 18, 16]);
});

it('R2: a lone stage is acknowledged by the coordinator, with a signature that verifies', async () => {
  const { record } = await recordOf(1);
  expect([paid(record), rooted(record)]).toEqual([[18], [true]]);
  const [unit] = record.stages[0]?.units ?? [];
  if (unit?.acknowledgement === undefined) throw new Error('not acknowledged');
  expect(unit.acknowledgement.signer).toBe('coordinator');
  expect(await verifySignature(coordinator.publicKey, acknowledgementBytes(unit.acknowledgement.receiptHash, 'coordinator'), unit.acknowledgement.signature)).toBe(true);
  const lying = await recordOf(1, { body: (_, body) => ({ ...body, linkHash: hash('other ids') }) });
  expect([paid(lying.record), lying.record.stages[0]?.units[0]?.acknowledgement]).toEqual([[0], undefined]);
});

it.each([
  ['signed by another identity', { rootKey: '0x99' }, 3],
  ['over leaves with other salts', { salts: (_: number, salts: string[]) => salts.toReversed() }, 3],
  ['for another number of units', { salts: (_: number, salts: string[]) => salts.slice(1) }, 0],
] as const)('K4, T2: a root %s is left out of the record', async (_, changes, count) => {
  const { record, forgeries } = await recordOf(3, changes);
  expect([rooted(record), forgeries.length, paid(record)]).toEqual([[false, false, false], count, [18, 18, 18]]);
});

it('U5: the record keeps each unit\'s hints; a unit whose hints were not hashed is left out and unpaid, and takes the root with it', async () => {
  const honest = await recordOf(3);
  const kept = { hints: HINTS.toString('base64'), hintBytes: HINTS.length };
  for (const stage of honest.record.stages) expect(stage.units).toMatchObject([kept, kept]);
  const { record } = await recordOf(3, { hints: (stage, unit) => (stage === 1 && unit === 0 ? 'AAAA' : undefined) });
  expect([paid(record), rooted(record)]).toEqual([[18, 2, 18], [true, false, true]]);
});

it('R2: a disagreement is recorded when the neighbour signed it, and named as forged when somebody else did', async () => {
  const { record, workers, forgeries } = await recordOf(3, { accuser: devices[1] as CoordinatorKey });
  expect([record.disagreements, forgeries]).toEqual([[{ stage: 0, unit: 0, by: workers[1]?.nodeId }], []]);
  const forged = await recordOf(3, { accuser: devices[2] as CoordinatorKey });
  expect([forged.record.disagreements, forged.forgeries.map((forgery) => forgery.worker)]).toEqual([[], [forged.workers[1]?.nodeId]]);
});
