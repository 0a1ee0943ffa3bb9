import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { acknowledgementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { randomSource, RING_NETWORK, StageRing } from '../../../tests/support/stage-ring.ts';
import { TOY } from '../../../tests/support/toy-model.ts';
import { SignatureVerifier } from './device-signature.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { RingJob } from '../../../tests/support/stage-ring.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`stage pipeline: seed ${seed}`);

const random = randomSource(seed);
const promptOf = (length: number): number[] => Array.from({ length }, () => random(TOY.vocabulary));
const verifier = new SignatureVerifier();

/** Every claim that a finished job makes, checked from outside with the messages alone. */
async function checkEvidence(ring: StageRing, job: RingJob): Promise<void> {
  const { plan } = job.signed;
  const stages = ring.workers.length;
  const all = ring.workers.map((_, stage) => ring.sent(stage, 'unit', job));
  const accepted = job.acceptedTo ?? 0;
  for (const [stage, worker] of ring.workers.entries()) {
    const mine = all[stage] ?? [];
    // Whole units, and one that ends where the coordinator ended the job; a unit that was full before that stays.
    const ranges = mine.map(({ receipt: { body } }) => [body.from, body.to]);
    const end = ranges.at(-1)?.[1] ?? 0;
    expect(ranges, `units of stage ${stage}`).toEqual(gridTo(end));
    expect(end === accepted || (end > accepted && end % 16 === 0), `stage ${stage} ends at ${end} of ${accepted}`).toBe(true);
    expect(ring.sent(stage, 'fault', job)).toEqual([]);
    expect(ring.sent(stage, 'disagree', job)).toEqual([]);
    for (const { receipt } of mine) expect(await verifier.verify(worker.devicePublicKey, receiptBytes(receipt.body), receipt.signature)).toBe(true);
    const root = ring.sent(stage, 'root', job);
    expect(root).toHaveLength(1);
    const context = { network: RING_NETWORK, worker: worker.node, job: plan.job, planHash: planHashOf(plan), stage, modelId: plan.modelId, precision: 'f32' } as const;
    const leaves = mine.map((unit, index) => leafHash(context, { ...unit.receipt.body, canonHash: unit.canonHash, hintHash: unit.hintHash }, root[0]?.salts[index] ?? ''));
    expect(root[0]?.root).toBe(merkleRoot(leaves));
    expect(mine.map(({ hints }) => createHash('sha256').update(Buffer.from(hints, 'base64')).digest('hex'))).toEqual(mine.map(({ hintHash }) => hintHash));
    if (stages === 1) continue;
    const below = (stage + 1) % stages;
    const acknowledged = new Map(ring.sent(below, 'acknowledge', job).map(({ acknowledgement }) => [acknowledgement.receiptHash, acknowledgement]));
    for (const [index, { receipt }] of mine.entries()) {
      const word = acknowledged.get(receiptHash(receipt.body));
      expect(word, `acknowledgement of stage ${stage}, unit ${index}`).toBeDefined();
      expect(await verifier.verify(ring.workers[below]?.devicePublicKey ?? '', acknowledgementBytes(receiptHash(receipt.body), word?.signer ?? 'coordinator'), word?.signature ?? '')).toBe(true);
      const theirs = all[below]?.[index]?.receipt.body;
      if (below !== 0 && theirs?.to === receipt.body.to) expect(theirs.inputHash).toBe(receipt.body.linkHash);
    }
  }
  const following = [...Array<number>(plan.promptTokens - 1).fill(NO_ID), ...job.ids, ...job.surplus];
  for (const { receipt: { body } } of all[stages - 1] ?? []) {
    expect(body.linkHash).toBe(createHash('sha256').update(new Uint8Array(Uint32Array.from(following.slice(body.from, body.to)).buffer)).digest('hex'));
  }
}

const gridTo = (end: number): number[][] => Array.from({ length: Math.ceil(end / 16) }, (_, unit) => [unit * 16, Math.min(end, unit * 16 + 16)]);

test.each([
  ['greedy', {}, 1],
  ['greedy', {}, 16],
  ['greedy', {}, 17],
  ['sampled with a repetition penalty', { temperature: 1.3, repetitionPenalty: 1.2, topK: 20, seed: 7 }, 45],
])('P2, U1, R1: a %s answer %o of a prompt of %i tokens is the same over 1, 2, 3 and 5 stages, with a whole chain of evidence', async (_name, sampler, length) => {
  const prompt = promptOf(length);
  const answers: number[][] = [];
  for (const stages of [1, 2, 3, 5]) {
    const ring = await StageRing.make({ stages, seed });
    const job = await ring.run(prompt, 20, (plan: JobPlan) => ({ ...plan, sampler: { ...plan.sampler, ...sampler } }));
    expect(job.acceptedTo).toBe(length + 19);
    await checkEvidence(ring, job);
    answers.push(job.ids);
  }
  expect(answers[0]).toHaveLength(20);
  expect(new Set(answers[0]).size).toBeGreaterThan(1);
  for (const answer of answers) expect(answer).toEqual(answers[0]);
});

test('a stop id ends the answer with it, on one stage and on three', async () => {
  const prompt = promptOf(9);
  const free = await (await StageRing.make({ stages: 1, seed })).run(prompt, 12);
  const stop = free.ids[5] ?? 0;
  const length = free.ids.indexOf(stop) + 1;
  for (const stages of [1, 3]) {
    const ring = await StageRing.make({ stages, seed });
    const job = await ring.run(prompt, 12, (plan) => ({ ...plan, stopIds: [stop] }));
    expect(job.ids).toEqual(free.ids.slice(0, length));
    expect(ring.workers[0]?.engine.jobs.size).toBe(0);
    await checkEvidence(ring, job);
  }
});

test('U1: a cancel that the ring has run ahead of closes the open unit of every stage at the coordinator\'s last token, and every receipt is acknowledged', async () => {
  let [cut, full] = [0, 0];
  for (const stages of [1, 2, 3, 5]) {
    for (const [promptTokens, seen] of [[3, 4], [13, 3], [13, 4], [14, 3], [30, 2], [30, 3]] as const) {
      const ring = await StageRing.make({ stages, seed: seed + seen });
      // The coordinator hears of tokens late: what it counts is older than what the ring has done.
      ring.onToken = (job) => {
        if (job.ids.length === seen) void lag(40).then(() => ring.finish(job, promptTokens + seen - 1));
      };
      const job = await ring.start(await ring.plan(promptOf(promptTokens), 60));
      await job.over;
      await ring.settled();
      expect(job.acceptedTo).toBe(promptTokens + seen - 1);
      expect(job.ids.length).toBeGreaterThan(seen);
      await checkEvidence(ring, job);
      cut += ring.workers.filter((_, stage) => ring.sent(stage, 'unit', job).at(-1)?.receipt.body.to === job.acceptedTo).length;
      full += ring.workers.filter((_, stage) => (ring.sent(stage, 'unit', job).at(-1)?.receipt.body.to ?? 0) > (job.acceptedTo ?? 0)).length;
    }
  }
  // Both happened: open units that were cut, and units that had been full before the end came.
  expect(Math.min(cut, full)).toBeGreaterThan(0);
});

test('G8: a worker that connects again gives up the jobs of the old connection without a word, and takes one of them under a later plan version', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  const reached = Promise.withResolvers<void>();
  ring.onToken = (job) => void (job.ids.length === 4 && reached.resolve());
  const prompt = promptOf(9);
  const lost = await ring.start(await ring.plan(prompt, 40));
  await reached.promise;
  for (const { pipeline } of ring.workers) pipeline.abandon();
  await ring.settled();
  const drawn = lost.ids.length;
  await lag(40);
  expect(lost.ids.length).toBe(drawn);
  expect(ring.workers.map(({ engine, pipeline }, stage) => [engine.jobs.size, pipeline.openJobs, ring.sent(stage, 'fault', lost), ring.sent(stage, 'root', lost)])).toEqual(ring.workers.map(() => [0, 0, [], []]));
  ring.onToken = () => undefined;
  const again = await ring.run(prompt, 12, (plan) => ({ ...plan, job: lost.signed.plan.job, version: 4 }));
  expect(again.ids.slice(0, drawn)).toEqual(lost.ids.slice(0, 12));
  await checkEvidence(ring, again);
});

test('four jobs share three stages: runs never overlap, every job gets the answer it gets alone, and frames take turns', async () => {
  const prompts = [40, 3, 17, 60].map(promptOf);
  const alone: number[][] = [];
  for (const prompt of prompts) alone.push((await (await StageRing.make({ stages: 3, seed })).run(prompt, 12)).ids);
  const ring = await StageRing.make({ stages: 3, seed });
  const order: string[] = [];
  const [first] = ring.workers;
  if (first !== undefined) first.engine.beforeRun = (key) => void order.push(key);
  const offers = await Promise.all(prompts.map((prompt) => ring.plan(prompt, 12)));
  const jobs = await Promise.all(offers.map((offer) => ring.prepare(offer)));
  for (const job of jobs) ring.begin(job);
  await Promise.all(jobs.map((job) => job.over));
  await ring.settled();
  expect(jobs.map((job) => job.ids)).toEqual(alone);
  for (const job of jobs) await checkEvidence(ring, job);
  expect(ring.workers.map((worker) => worker.engine.overlapping)).toEqual([1, 1, 1]);
  // The long prompts do not hold the first stage: every job has its first chunk before any has its second.
  expect(new Set(order.slice(0, 4)).size).toBe(4);
});

test('statistics: timings are there, on the stages that have them', async () => {
  const ring = await StageRing.make({ stages: 2, seed });
  const job = await ring.run(promptOf(20), 20);
  const stats = ring.workers.map((_, stage) => ring.sent(stage, 'root', job)[0]?.stats);
  for (const each of stats) {
    expect(each).toMatchObject({ engine: 'wasm', peakMemoryBytes: 2_000 });
    for (const figure of [each?.decodeMs, each?.commitMs, each?.unitMs]) {
      expect(figure?.p50).toBeGreaterThan(0);
      expect(figure?.p95).toBeGreaterThanOrEqual(figure?.p50 ?? Infinity);
    }
  }
  expect(stats[0]?.lapMs.p50).toBeGreaterThan(0);
  expect(stats[1]?.lapMs).toEqual({ p50: 0, p95: 0 });
});

async function lag(turns: number): Promise<void> {
  for (let left = turns; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}
