import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { nonceBytesToSign, nonceCommitment, rootsHashOf } from '@ciro/core/audit/audit-draw.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import { randomSource, RING_NETWORK, StageRing } from '../../../tests/support/stage-ring.ts';
import { TOY } from '../../../tests/support/toy-model.ts';
import { SignatureVerifier } from './device-signature.ts';
import { RETAIN_UNREVEALED_MS } from './stage-limits.ts';
import type { AuditId } from '@ciro/core/ids.ts';
import type { RingJob, RingWorker } from '../../../tests/support/stage-ring.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`after a job: seed ${seed}`);

const AUDIT = 'a1'.repeat(16) as AuditId;
const random = randomSource(seed);
const PROMPT = Array.from({ length: 37 }, () => random(TOY.vocabulary));
const STAGES = [0, 1, 2];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const workerAt = (ring: StageRing, stage: number): RingWorker => ring.workers[stage] as RingWorker;
const about = (job: RingJob) => ({ job: job.signed.plan.job, version: job.signed.plan.version });

async function finished(stages = 3): Promise<{ ring: StageRing; job: RingJob; roots: string[] }> {
  const ring = await StageRing.make({ stages, seed });
  const job = await ring.run(PROMPT, 20);
  return { ring, job, roots: ring.workers.map((_, stage) => ring.sent(stage, 'root', job)[0]?.root ?? '') };
}

async function supply(ring: StageRing, job: RingJob, stage: number, side: 'input' | 'payload', units: number): Promise<Buffer[]> {
  const worker = workerAt(ring, stage);
  worker.pieces.splice(0);
  await worker.pipeline.after.supply({ type: 'supply', audit: AUDIT, ...about(job), side, units });
  expect(worker.pieces.every((piece) => piece.audit === AUDIT && piece.side === side)).toBe(true);
  return Array.from({ length: units }, (_, unit) => Buffer.concat(worker.pieces.filter((piece) => piece.unit === unit).map(({ bytes }) => bytes)));
}

test('A2: every worker opens its own nonce to the list of all roots, signed, and to no other list', async () => {
  const { ring, job, roots } = await finished();
  const { plan } = job.signed;
  const planHash = planHashOf(plan);
  for (const stage of STAGES) {
    const worker = workerAt(ring, stage);
    await worker.pipeline.after.reveal({ type: 'reveal', ...about(job), roots: roots.map((root, index) => (index === stage ? null : root)) });
    expect(ring.sent(stage, 'nonce', job)).toEqual([]);
    await worker.pipeline.after.reveal({ type: 'reveal', ...about(job), roots });
    await worker.pipeline.after.reveal({ type: 'reveal', ...about(job), roots: roots.map((root, index) => (index === stage ? root : null)) });
    const [opened, ...more] = ring.sent(stage, 'nonce', job);
    expect(more).toEqual([]);
    const rootsHash = rootsHashOf({ network: RING_NETWORK, job: plan.job, planHash, roots });
    expect(opened?.rootsHash).toBe(rootsHash);
    expect(nonceCommitment(opened?.nonce ?? '')).toBe(plan.stages[stage]?.nonce);
    const bytes = nonceBytesToSign({ network: RING_NETWORK, job: plan.job, planHash, rootsHash, nonce: opened?.nonce ?? '' });
    expect(await new SignatureVerifier().verify(worker.devicePublicKey, bytes, opened?.signature ?? '')).toBe(true);
  }
});

test('A5, U2: what a worker supplies hashes to what it signed, unit by unit, and its neighbours supply the same', async () => {
  for (const stages of [1, 3]) {
    const { ring, job } = await finished(stages);
    for (const stage of STAGES.slice(0, stages)) {
      const units = ring.sent(stage, 'unit', job).map(({ receipt }) => receipt.body);
      expect(units.length).toBeGreaterThan(3);
      const inputs = await supply(ring, job, stage, 'input', units.length);
      const payloads = await supply(ring, job, stage, 'payload', units.length);
      expect(inputs.map(sha256)).toEqual(units.map(({ inputHash }) => inputHash));
      expect(payloads.map(sha256)).toEqual(units.map(({ payloadHash }) => payloadHash));
      if (stage > 0) expect(await supply(ring, job, stage - 1, 'payload', units.length)).toEqual(inputs);
      if (stage < stages - 1) expect(await supply(ring, job, stage + 1, 'input', units.length)).toEqual(payloads);
    }
  }
});

test('a cut that lies inside a unit that was full before: the whole unit was signed, and is supplied', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  ring.onToken = (running) => {
    if (running.ids.length === 14) void ring.finish(running, 42);
  };
  const job = await ring.start(await ring.plan(PROMPT.slice(0, 30), 60));
  await job.over;
  await ring.settled();
  for (const stage of STAGES) {
    const units = ring.sent(stage, 'unit', job).map(({ receipt }) => receipt.body);
    expect((await supply(ring, job, stage, 'payload', units.length)).map(sha256)).toEqual(units.map(({ payloadHash }) => payloadHash));
  }
});

test('rows that are released, too old, unknown, or more than there are, are refused by code', async () => {
  const { ring, job } = await finished();
  const [first, second, third] = [workerAt(ring, 0), workerAt(ring, 1), workerAt(ring, 2)];
  const refusalOf = async (worker: RingWorker, change: object = {}): Promise<unknown> => {
    worker.pieces.splice(0);
    await worker.pipeline.after.supply({ type: 'supply', audit: AUDIT, ...about(job), side: 'input', units: 1, ...change });
    expect(worker.pieces).toEqual([]);
    return worker.sent.at(-1);
  };
  expect(await refusalOf(first, { units: 5 })).toMatchObject({ type: 'supply-refused', audit: AUDIT, side: 'input', code: 'no-such-units' });
  expect(await refusalOf(first, { version: 2 })).toMatchObject({ code: 'not-kept' });
  for (const { pipeline } of ring.workers) pipeline.caches.clear();
  expect(first.pipeline.rowBytes).toBeGreaterThan(0);
  first.pipeline.after.release({ type: 'release', ...about(job) });
  expect(first.pipeline.rowBytes).toBe(0);
  expect(await refusalOf(first)).toMatchObject({ code: 'not-kept' });
  second.aheadMs = RETAIN_UNREVEALED_MS + 1_000;
  expect(await refusalOf(second)).toMatchObject({ code: 'not-kept' });
  expect(second.pipeline.rowBytes).toBe(0);
  // Heard of in time: its rows stay for as long as an audit may take to ask for them.
  await third.pipeline.after.reveal({ type: 'reveal', ...about(job), roots: [null, null, null] });
  third.aheadMs = RETAIN_UNREVEALED_MS + 1_000;
  expect(await supply(ring, job, 2, 'input', 1)).toHaveLength(1);
});

test('kept rows count in the memory budget, and the oldest make way for a new job', async () => {
  const ring = await StageRing.make({ stages: 1, seed, memoryBudgetBytes: 30_000 });
  const worker = workerAt(ring, 0);
  let most = 0;
  const jobs: RingJob[] = [];
  for (let round = 0; round < 6; round++) {
    jobs.push(await ring.run(PROMPT, 20));
    most = Math.max(most, worker.pipeline.after.kept.heldBytes);
  }
  // An eighth of the budget, 3,750 bytes, holds the rows of one such job (2,200) and not of two.
  expect(most).toBeLessThanOrEqual(3_750);
  expect(await supply(ring, jobs.at(-1) as RingJob, 0, 'input', 1)).toHaveLength(1);
  // A job that fills the device takes the room that old rows had.
  const [first = PROMPT[0] ?? 0] = PROMPT;
  await ring.prepare(await ring.plan([first], 122));
  expect(worker.pipeline.after.kept.heldBytes).toBe(0);
});

test('B3: the neighbour sends a signed copy of every acknowledgement; in a one-stage plan there is nobody who would', async () => {
  const { ring, job } = await finished();
  for (const stage of STAGES) {
    const mine = ring.sent(stage, 'unit', job).map(({ receipt }) => receiptHash(receipt.body));
    expect(workerAt(ring, stage).acknowledged.map(({ body }) => receiptHash(body)).toSorted()).toEqual(mine.toSorted());
    expect(workerAt(ring, stage).refused).toEqual([]);
  }
  const alone = await finished(1);
  expect(workerAt(alone.ring, 0).acknowledged).toEqual([]);
});
