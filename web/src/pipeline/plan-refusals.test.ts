import { expect, test } from 'vitest';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { layersOf, StageRing } from '../../../tests/support/stage-ring.ts';
import { holdToy, TOY } from '../../../tests/support/toy-model.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { RingWorker } from '../../../tests/support/stage-ring.ts';

const PROMPT = [1, 2, 3, 4, 5];

const setup = (stages = 3, memoryBudgetBytes = 1e9): Promise<StageRing> => StageRing.make({ stages, seed: 1, memoryBudgetBytes });

/** Offers a plan to one worker and gives what it answered. */
async function answer(ring: StageRing, stage: number, change: (plan: JobPlan) => JobPlan, tamper: (plan: JobPlan) => JobPlan = (plan) => plan, promptIds?: Uint8Array | null) {
  const offer = await ring.plan(PROMPT, 10, change);
  const worker = ring.workers[stage] as RingWorker;
  const signed = { ...offer.signed, plan: tamper(offer.signed.plan) };
  await worker.pipeline.handlePlan(signed, stage, promptIds === undefined ? (stage === 0 ? offer.promptIds : null) : promptIds);
  return worker.sent.at(-1);
}

const same = (plan: JobPlan): JobPlan => plan;
const refusal = (code: string) => expect.objectContaining({ type: 'stage-refused', code, version: 1 });

test('P2: a signed plan that is this worker\'s is prepared, with room for every position', async () => {
  const ring = await setup();
  expect(await answer(ring, 1, same)).toMatchObject({ type: 'prepared', version: 1 });
  expect(ring.workers[1]?.engine.jobs.size).toBe(1);
});

test.each([
  ['more tokens', (plan: JobPlan) => ({ ...plan, maxTokens: 11 })],
  ['another sampler', (plan: JobPlan) => ({ ...plan, sampler: { ...plan.sampler, seed: 2 } })],
  ['another worker', (plan: JobPlan) => ({ ...plan, stages: plan.stages.toReversed() })],
  ['another price', (plan: JobPlan) => ({ ...plan, quote: { ...plan.quote, hold: '2' } })],
])('P2: a plan that was changed after it was signed (%s) is refused, and nothing is allocated', async (_what, tamper) => {
  const ring = await setup();
  expect(await answer(ring, 0, same, tamper)).toEqual(refusal('unsigned-plan'));
  expect(ring.workers[0]?.engine.jobs.size).toBe(0);
});

test('P2: a plan without a real signature is refused', async () => {
  const ring = await setup();
  const { signed, promptIds } = await ring.plan(PROMPT, 10);
  for (const signature of ['00'.repeat(64), 'ff'.repeat(64), 'not hex']) {
    await ring.workers[0]?.pipeline.handlePlan({ ...signed, signature }, 0, promptIds);
    expect(ring.workers[0]?.sent.at(-1)).toEqual(refusal('unsigned-plan'));
  }
});

test.each([
  ['wrong-network', 1, (plan: JobPlan) => ({ ...plan, network: 'ciro-main' })],
  ['wrong-model', 1, (plan: JobPlan) => ({ ...plan, modelId: 'cd'.repeat(32) as HexHash })],
  ['not-mine', 1, (plan: JobPlan) => ({ ...plan, stages: plan.stages.map((stage) => ({ ...stage, worker: `f${stage.worker.slice(1)}` as NodeId })) })],
  ['not-mine', 1, (plan: JobPlan) => ({ ...plan, stages: plan.stages.map((stage) => ({ ...stage, devicePublicKey: `04${'5'.repeat(128)}` })) })],
  ['wrong-layers', 1, (plan: JobPlan) => ({ ...plan, stages: plan.stages.map((stage, index) => ({ ...stage, layers: [[0, 1], [1, 4], [4, 6]][index] as [number, number] })) })],
  ['wrong-layers', 2, (plan: JobPlan) => ({ ...plan, stages: plan.stages.map((stage, index) => (index === 2 ? { ...stage, layers: [4, 5] as [number, number] } : stage)) })],
  ['past-the-context', 1, (plan: JobPlan) => ({ ...plan, maxTokens: TOY.context })],
  ['wrong-prompt', 0, (plan: JobPlan) => ({ ...plan, promptTokens: 6 })],
  ['wrong-prompt', 0, (plan: JobPlan) => ({ ...plan, promptHash: 'cd'.repeat(32) as HexHash })],
  ['wrong-nonce', 1, (plan: JobPlan) => ({ ...plan, stages: plan.stages.map((stage) => ({ ...stage, nonce: 'cd'.repeat(32) as HexHash })) })],
  ['wrong-nonce', 1, (plan: JobPlan) => ({ ...plan, stages: plan.stages.map((stage) => ({ ...stage, nonce: null })) })],
  ['no-link', 1, (plan: JobPlan) => ({ ...plan, stages: plan.stages.map((stage, index) => (index === 2 ? { ...stage, worker: 'f'.repeat(40) as NodeId } : stage)) })],
])('P2: a signed plan is refused as %s by stage %i', async (code, stage, change) => {
  const ring = await setup();
  expect(await answer(ring, stage, change)).toEqual(refusal(code));
  expect(ring.workers[stage]?.engine.jobs.size).toBe(0);
});

test('A1: commitments are used up by plans, refused ones included, and more are given before they run out', async () => {
  const ring = await setup(1);
  const worker = ring.workers[0] as RingWorker;
  for (let round = 0; round < 60; round++) await answer(ring, 0, (plan) => ({ ...plan, maxTokens: TOY.context }));
  expect(worker.sent.every((message) => message.type === 'nonces' || (message.type === 'stage-refused' && message.code === 'past-the-context'))).toBe(true);
  expect(worker.sent.filter(({ type }) => type === 'nonces').length).toBeGreaterThan(0);
  expect(worker.commitments.length).toBeGreaterThanOrEqual(16);
});

test('P2: the first stage wants prompt ids of the vocabulary, the others none', async () => {
  const ring = await setup();
  expect(await answer(ring, 0, same, same, null)).toEqual(refusal('wrong-prompt'));
  expect(await answer(ring, 1, same, same, new Uint8Array(20))).toEqual(refusal('wrong-prompt'));
  const offer = await ring.plan([1, TOY.vocabulary], 4);
  await ring.workers[0]?.pipeline.handlePlan(offer.signed, 0, offer.promptIds);
  expect(ring.workers[0]?.sent.at(-1)).toEqual(refusal('wrong-prompt'));
});

test('a job that does not fit the memory budget is refused, a smaller one is taken', async () => {
  const ring = await setup(3, 1_000 + 12_000);
  expect(await answer(ring, 1, (plan) => ({ ...plan, maxTokens: 200 }))).toEqual(refusal('over-memory'));
  expect(await answer(ring, 1, same)).toMatchObject({ type: 'prepared' });
});

test('a fifth job is refused until one of four ends', async () => {
  const ring = await setup(1);
  const offers = await Promise.all(Array.from({ length: 5 }, () => ring.plan(PROMPT, 10)));
  const worker = ring.workers[0] as RingWorker;
  for (const { signed, promptIds } of offers) await worker.pipeline.handlePlan(signed, 0, promptIds);
  expect(worker.sent.map((message) => ('code' in message ? message.code : message.type))).toEqual(['prepared', 'prepared', 'prepared', 'prepared', 'too-many-jobs']);
  const [first, , , , fifth] = offers;
  if (first === undefined || fifth === undefined) throw new Error('five offers were made');
  await worker.pipeline.handleFinish(first.signed.plan.job, 1, 0);
  await worker.pipeline.handlePlan(fifth.signed, 0, fifth.promptIds);
  expect(worker.sent.at(-1)).toMatchObject({ type: 'prepared', job: fifth.signed.plan.job });
});

test('a version that is not higher is refused; a higher one closes the old one at its last accepted row', async () => {
  const ring = await setup(1);
  const worker = ring.workers[0] as RingWorker;
  const { signed, promptIds } = await ring.plan(PROMPT, 200, (plan) => ({ ...plan, version: 3 }));
  const job = await ring.start({ signed, promptIds });
  while (job.ids.length < 20) await new Promise((resolve) => setImmediate(resolve));
  for (const version of [3, 2]) {
    const again = await ring.plan(PROMPT, 200, (plan) => ({ ...plan, job: signed.plan.job, version }));
    await worker.pipeline.handlePlan(again.signed, 0, again.promptIds);
    expect(worker.sent.filter((message) => message.type === 'stage-refused').at(-1)).toMatchObject({ code: 'stale-version', version });
  }
  const next = await ring.plan(PROMPT, 200, (plan) => ({ ...plan, job: signed.plan.job, version: 4 }));
  await worker.pipeline.handlePlan(next.signed, 0, next.promptIds);
  await ring.settled();
  expect(worker.sent.filter((message) => message.type === 'prepared')).toHaveLength(2);
  const units = ring.sent(0, 'unit', job);
  expect(ring.sent(0, 'root', job)).toHaveLength(1);
  expect(units.at(-1)?.receipt.body.to).toBeGreaterThanOrEqual(24);
  expect([...worker.engine.jobs.keys()]).toEqual([`${signed.plan.job}/4`]);
});

test('without layers every plan is refused, and layers that are taken away fail their jobs', async () => {
  const ring = await setup(1);
  const worker = ring.workers[0] as RingWorker;
  const job = await ring.start(await ring.plan(PROMPT, 200));
  await worker.pipeline.hold(undefined);
  expect(ring.sent(0, 'fault', job)).toMatchObject([{ code: 'replaced' }]);
  expect(worker.engine.jobs.size).toBe(0);
  expect(await answer(ring, 0, same)).toEqual(refusal('not-ready'));
  const [from, to] = layersOf(0, 1);
  await worker.pipeline.hold(holdToy(stageShape({ from, to }, TOY.layers)));
  expect(await answer(ring, 0, same)).toMatchObject({ type: 'prepared' });
});
