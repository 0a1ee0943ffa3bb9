import { expect, test } from 'vitest';
import { checkEvidence } from '../../../tests/support/ring-evidence.ts';
import { randomSource, StageRing } from '../../../tests/support/stage-ring.ts';
import { TOY } from '../../../tests/support/toy-model.ts';
import { jobKey } from './stage-job.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`stage pipeline: seed ${seed}`);

const random = randomSource(seed);
const promptOf = (length: number): number[] => Array.from({ length }, () => random(TOY.vocabulary));

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
    ring.workers[0]?.pipeline.caches.clear();
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
  // The long prompts do not hold the first stage: every job has its first chunk before one of them has its second. (The short one may draw ids before that.)
  const firsts = jobs.map(({ signed: { plan } }) => order.indexOf(jobKey(plan.job, plan.version)));
  const seconds = firsts.filter((_, index) => (prompts[index]?.length ?? 0) > 16).map((first) => order.indexOf(order[first] ?? '', first + 1));
  expect(Math.min(...firsts)).toBe(0);
  expect(Math.min(...seconds)).toBeGreaterThan(Math.max(...firsts));
});

test('W4: a stage is busy until its evidence is sent: what is measured in idle time does not hold it up', async () => {
  const ring = await StageRing.make({ stages: 2, seed });
  const reached = Promise.withResolvers<void>();
  ring.onToken = ({ ids }) => void (ids.length === 20 && reached.resolve());
  const job = await ring.start(await ring.plan(promptOf(20), 60));
  await reached.promise;
  const { job: id, version, promptTokens } = job.signed.plan;
  const pipelines = ring.workers.map(({ pipeline }) => pipeline);
  const rooted = pipelines.map((pipeline) => pipeline.handleFinish(id, version, promptTokens + 19));
  expect(pipelines.map(({ openJobs, isBusy }) => [openJobs, isBusy])).toEqual([[0, true], [0, true]]);
  await Promise.all(rooted);
  expect(ring.workers.map((_, stage) => ring.sent(stage, 'root', job).length)).toEqual([1, 1]);
  expect(pipelines.map(({ isBusy }) => isBusy)).toEqual([false, false]);
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
