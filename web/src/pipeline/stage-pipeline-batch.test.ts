import { expect, test } from 'vitest';
import { EVICT_IDLE_MS, HOLD_MOST_MS, MAX_OPEN_JOBS } from './stage-limits.ts';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { claimsOf } from '../../../tests/support/ring-evidence.ts';
import { randomSource, StageRing, turn } from '../../../tests/support/stage-ring.ts';
import { TOY } from '../../../tests/support/toy-model.ts';
import type { RingClaims } from '../../../tests/support/ring-evidence.ts';
import type { RingJob, RingWorker } from '../../../tests/support/stage-ring.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`batches of a stage: seed ${seed}`);

const random = randomSource(seed);
const promptOf = (length: number): number[] => Array.from({ length }, () => random(TOY.vocabulary));
const PROMPTS = [5, 3, 17, 9].map(promptOf);
const TOKENS = 24;

async function eachAlone(): Promise<RingClaims[]> {
  const claims: RingClaims[] = [];
  for (const prompt of PROMPTS) {
    const ring = await StageRing.make({ stages: 3, seed });
    claims.push(claimsOf(ring, await ring.run(prompt, TOKENS)));
  }
  return claims;
}

/**
 * Engines that take their time, the middle one most: rows of other jobs come while it runs. Four jobs over three stages that are
 * equally quick fill the ring without ever meeting.
 */
function slow({ engine }: RingWorker, index = 0): void {
  const wait = async (): Promise<void> => {
    for (let turns = index === 1 ? 40 : 8; turns > 0; turns--) await turn();
  };
  engine.beforeRun = wait;
  engine.beforeBatch = wait;
}

async function allAtOnce(ring: StageRing): Promise<RingJob[]> {
  const offers = [];
  for (const prompt of PROMPTS) offers.push(await ring.plan(prompt, TOKENS));
  const jobs: RingJob[] = [];
  for (const offer of offers) jobs.push(await ring.prepare(offer));
  for (const job of jobs) ring.begin(job);
  return jobs;
}

const over = async (ring: StageRing, jobs: readonly RingJob[]): Promise<void> => {
  await Promise.all(jobs.map((job) => job.over));
  await ring.settled();
};

const batchesOf = (ring: StageRing): (readonly string[])[] => ring.workers.flatMap(({ engine }) => engine.batches);

test('E2, U2: four answers at once are computed together, and ids and hashes are those of each alone, whatever batches carried the rows', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  ring.workers.forEach(slow);
  const jobs = await allAtOnce(ring);
  await over(ring, jobs);
  const batches = batchesOf(ring);
  expect(batches.length).toBeGreaterThan(10);
  expect(Math.max(...batches.map((keys) => keys.length))).toBeGreaterThan(2);
  for (const keys of batches) expect(new Set(keys).size).toBe(keys.length);
  expect(jobs.map((job) => claimsOf(ring, job))).toEqual(await eachAlone());
  expect(ring.workers.map(({ engine }) => engine.overlapping)).toEqual([1, 1, 1]);
  for (const { pipeline, engine } of ring.workers) {
    expect(pipeline.generated).toEqual({ positions: PROMPTS.length * (TOKENS - 1), batched: engine.batches.flat().length, drafted: 0, accepted: 0 });
  }
});

test('a lone job is never batched', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  ring.workers.forEach(slow);
  await ring.run(PROMPTS[0] ?? [], TOKENS);
  expect(batchesOf(ring)).toEqual([]);
});

test('E2: a run of several jobs that fails is done again for each alone, and nobody hears of it', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  ring.workers.forEach(slow);
  const middle = ring.workers[1] as RingWorker;
  middle.engine.beforeBatch = async () => {
    await turn();
    throw new Error('out of memory');
  };
  const jobs = await allAtOnce(ring);
  await over(ring, jobs);
  expect(middle.engine.batches.length).toBeGreaterThan(0);
  expect(jobs.map((job) => claimsOf(ring, job))).toEqual(await eachAlone());
  for (const worker of ring.workers) expect(worker.sent.filter(({ type }) => type === 'fault')).toEqual([]);
});

test('E2: a job that the engine cannot compute fails alone; those that were in its batch get their answers', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  ring.workers.forEach(slow);
  const middle = ring.workers[1] as RingWorker;
  const [wait, waitForBatch] = [middle.engine.beforeRun, middle.engine.beforeBatch];
  let bad = '';
  middle.engine.beforeBatch = async (keys) => {
    await waitForBatch(keys);
    bad ||= keys[1] ?? '';
    if (keys.includes(bad)) throw new Error('not a number');
  };
  middle.engine.beforeRun = async (key, position) => {
    await wait(key, position);
    if (key === bad) throw new Error('not a number');
  };
  const jobs = await allAtOnce(ring);
  const keyOf = ({ signed: { plan } }: RingJob): string => `${plan.job}/${plan.version}`;
  while (ring.workers[1]?.sent.every(({ type }) => type !== 'fault')) await turn();
  const failed = jobs.find((job) => keyOf(job) === bad) as RingJob;
  await over(ring, jobs.filter((job) => job !== failed));
  expect(ring.sent(1, 'fault', failed)).toMatchObject([{ code: 'stage-failed', message: 'not a number' }]);
  const alone = await eachAlone();
  for (const [index, job] of jobs.entries()) if (job !== failed) expect(claimsOf(ring, job)).toEqual(alone[index]);
});

test.each([
  ['the engine would rather not', {}, undefined],
  ['the page says so', { maxBatchJobs: 1 }, 0],
  ['it would not fit the memory budget', { memoryBudgetBytes: 1_000_000 }, 1_000_000],
])('jobs are run alone where %s', async (_, options, scratchBytes) => {
  const ring = await StageRing.make({ stages: 3, seed, ...options });
  for (const [index, worker] of ring.workers.entries()) {
    slow(worker, index);
    worker.engine.scratchBytes = scratchBytes;
  }
  const jobs = await allAtOnce(ring);
  await over(ring, jobs);
  expect(batchesOf(ring)).toEqual([]);
  expect(jobs.map(({ ids }) => ids)).toEqual((await eachAlone()).map(({ ids }) => ids));
});

test('P2: what batches hold is given back before a plan is refused for want of memory; without it the refusal names what is lacking, and open jobs go on', async () => {
  const ring = await StageRing.make({ stages: 3, seed, memoryBudgetBytes: 200_000 });
  const job = await ring.start(await ring.plan(PROMPTS[0] ?? [], TOKENS));
  const [worker] = ring.workers as [RingWorker];
  const large = await ring.plan(PROMPTS[1] ?? [], 60);
  worker.engine.heldBytes = 195_000;
  const { releaseBatch } = worker.engine;
  worker.engine.releaseBatch = () => {
    releaseBatch.call(worker.engine);
    worker.engine.heldBytes = 1_000;
  };
  await worker.pipeline.handlePlan(large.signed, 0, large.promptIds);
  expect(worker.engine.released).toBe(1);
  expect(worker.sent.at(-1)).toMatchObject({ type: 'prepared', job: large.signed.plan.job });
  worker.engine.releaseBatch = releaseBatch;
  worker.engine.heldBytes = 195_000;
  const larger = await ring.plan(PROMPTS[1] ?? [], 60);
  await worker.pipeline.handlePlan(larger.signed, 0, larger.promptIds);
  expect(worker.sent.at(-1)).toMatchObject({ type: 'stage-refused', job: larger.signed.plan.job, code: 'over-memory', message: expect.stringMatching(/needs \d+ bytes beside the \d+ held; this device gives 200000/) });
  await job.over;
  expect(job.ids).toHaveLength(TOKENS);
});

test.each([
  ['places', 'too-many-jobs', MAX_OPEN_JOBS, 20],
  ['memory', 'over-memory', 1, 600],
] as const)('E4: for want of %s a job that had no work for long is evicted by name; before that the plan is refused as %s', async (lack, code, count, tokens) => {
  const ring = await StageRing.make({ stages: 1, seed, memoryBudgetBytes: 300_000 });
  const [worker] = ring.workers as [RingWorker];
  // Prepared and never started: its coordinator is lost.
  const lost: RingJob[] = [];
  for (let each = 0; each < count; each++) lost.push(await ring.prepare(await ring.plan(PROMPTS[0] ?? [], tokens)));
  // The toy engine has no caches: this stands for one, and goes with its job.
  if (lack === 'memory') worker.engine.heldBytes = 150_000;
  const { closeJob } = worker.engine;
  worker.engine.closeJob = (key) => {
    closeJob.call(worker.engine, key);
    worker.engine.heldBytes = 1_000;
  };
  const answer = async (): Promise<unknown> => {
    const offer = await ring.plan(PROMPTS[1] ?? [], tokens);
    await worker.pipeline.handlePlan(offer.signed, 0, offer.promptIds);
    return worker.sent.findLast(({ type }) => type === 'prepared' || type === 'stage-refused');
  };
  worker.aheadMs = EVICT_IDLE_MS - 60_000;
  expect(await answer()).toMatchObject({ type: 'stage-refused', code });
  expect(lost.flatMap((job) => ring.sent(0, 'fault', job))).toEqual([]);
  worker.aheadMs = EVICT_IDLE_MS + 60_000;
  expect(await answer()).toMatchObject({ type: 'prepared' });
  const [evicted, ...others] = lost as [RingJob, ...RingJob[]];
  expect(ring.sent(0, 'fault', evicted)).toMatchObject([{ code: 'evicted', message: expect.stringContaining(evicted.signed.plan.job) }]);
  expect(others.flatMap((job) => ring.sent(0, 'fault', job))).toEqual([]);
  // Its work is closed like any other's; nothing of it is computed any more.
  ring.begin(evicted);
  await ring.settled();
  expect(worker.engine.runs).toBe(0);
  await ring.finish(evicted);
  expect(ring.sent(0, 'root', evicted)).toHaveLength(1);
});

test('E2: an answer goes on beside a prompt of 2,000 tokens, whose stages overlap', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  for (const worker of ring.workers) slow(worker);
  const offers = [await ring.plan(PROMPTS[0] ?? [], 400), await ring.plan(promptOf(2_000), 2)] as const;
  const [answer, prompt] = [await ring.prepare(offers[0]), await ring.prepare(offers[1])];
  /** Of the prompt's chunks: stage, and how long the answer was when it was run. */
  const chunks: { readonly stage: number; readonly answered: number }[] = [];
  for (const [stage, { engine }] of ring.workers.entries()) {
    const wait = engine.beforeRun;
    engine.beforeRun = (key, position) => {
      if (key.startsWith(prompt.signed.plan.job) && position < 2_000) chunks.push({ stage, answered: answer.ids.length });
      return wait(key, position);
    };
  }
  ring.begin(answer);
  while (answer.ids.length === 0) await turn();
  ring.begin(prompt);
  const ofStage = (stage: number) => chunks.filter((chunk) => chunk.stage === stage);
  while (ofStage(2).length < 125) await turn();
  // A row waits for one chunk a stage at most: a lap takes three rows and three chunks, and some turns on the links.
  const [begun, ended] = [ofStage(0)[0]?.answered ?? 0, ofStage(2)[124]?.answered ?? 0];
  expect(ended - begun).toBeGreaterThan(125 / 10);
  // Chunks stream: stage k + 1 begins while the one above it has nearly all of them to do.
  for (const stage of [1, 2]) {
    const first = chunks.findIndex((chunk) => chunk.stage === stage);
    expect(chunks.slice(first).filter((chunk) => chunk.stage === stage - 1).length).toBeGreaterThan(100);
  }
  await ring.finish(answer);
  await prompt.over;
});

test('a job that is cancelled leaves no work behind: what waits of it is dropped, nothing of it is computed or sent any more, and the others get their answers', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  ring.workers.forEach(slow);
  const jobs = await allAtOnce(ring);
  const cancelled = jobs[2] as RingJob;
  const id = cancelled.signed.plan.job;
  while (cancelled.ids.length < 4) await turn();
  let [frames, runs] = [0, 0];
  ring.onFrame = (_from, _to, bytes) => {
    const { kind, job } = decodeFrame(bytes);
    if (job === id && (kind === 'rows' || kind === 'ids')) frames++;
    return bytes;
  };
  // The coordinator tells every tab; each hears of it in its own time.
  await ring.finish(cancelled);
  // Laps under way then: one, over at most as many links as there are stages.
  expect(frames).toBeLessThanOrEqual(ring.workers.length);
  frames = 0;
  for (const { engine, pipeline } of ring.workers) {
    pipeline.caches.clear();
    const [wait, waitForBatch] = [engine.beforeRun, engine.beforeBatch];
    const count = (keys: readonly string[]): void => void (runs += keys.filter((key) => key.startsWith(id)).length);
    engine.beforeRun = (key, position) => (count([key]), wait(key, position));
    engine.beforeBatch = (keys) => (count(keys), waitForBatch(keys));
    expect([...engine.jobs.keys()].filter((key) => key.startsWith(id))).toEqual([]);
  }
  await over(ring, jobs);
  expect([frames, runs]).toEqual([0, 0]);
  for (const stage of ring.workers.keys()) expect(ring.sent(stage, 'root', cancelled)).toHaveLength(1);
  const alone = await eachAlone();
  for (const [index, job] of jobs.entries()) if (job !== cancelled) expect(claimsOf(ring, job)).toEqual(alone[index]);
});

test('E2: rows that leave a stage together are together at the next one, though each is a message of its own and finds it idle', async () => {
  const ring = await StageRing.make({ stages: 3, seed });
  // Only the first stage takes long enough for rows to meet there.
  const [first] = ring.workers;
  if (first !== undefined) slow(first, 1);
  const jobs = await allAtOnce(ring);
  await over(ring, jobs);
  const [there = 0, ...later] = ring.workers.map(({ pipeline }) => pipeline.generated.batched);
  expect(there).toBeGreaterThan(PROMPTS.length * TOKENS * 0.5);
  for (const batched of later) expect(batched).toBeGreaterThan(there * 0.8);
});

test('E2: a neighbour that says more is to come, and sends nothing more, holds rows up for a second and no answer', async () => {
  const ring = await StageRing.make({ stages: 2, seed });
  let lies = 1;
  ring.onFrame = (from, _to, frame) => {
    const read = decodeFrame(frame);
    return from === 0 && read.kind === 'rows' && read.position === 8 && lies-- > 0 ? encodeFrame({ ...read, more: true }) : frame;
  };
  const began = performance.now();
  const job = await ring.run(PROMPTS[0] ?? [], TOKENS);
  expect(lies).toBeLessThanOrEqual(0);
  expect(performance.now() - began).toBeGreaterThan(HOLD_MOST_MS - 10);
  const honest = await StageRing.make({ stages: 2, seed });
  expect(job.ids).toEqual((await honest.run(PROMPTS[0] ?? [], TOKENS)).ids);
});
