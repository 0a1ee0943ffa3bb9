import { expect, test } from 'vitest';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { stageShape } from '@ciro/core/model/architecture.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { KEPT_CACHE_MS } from '@ciro/core/protocol/limits.ts';
import { layersOf, randomSource, StageRing } from '../../../tests/support/stage-ring.ts';
import { holdToy, TOY } from '../../../tests/support/toy-model.ts';
import { jobBytes } from './plan-check.ts';
import type { JobPlan, PlanPrefix } from '@ciro/core/job/plan.ts';
import type { RingJob, RingOptions } from '../../../tests/support/stage-ring.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`kept caches: seed ${seed}`);

const random = randomSource(seed);
const ids = (count: number): number[] => Array.from({ length: count }, () => random(TOY.vocabulary));
const FIRST = ids(37);
const NEXT = ids(21);

const idsOf = ({ promptIds, ids: drawn }: RingJob): number[] => [...new Uint32Array(promptIds.slice().buffer), ...drawn];
const prefixOf = (job: RingJob, positions: number): PlanPrefix => ({ job: job.signed.plan.job, planHash: planHashOf(job.signed.plan), positions });
const on = (prefix: PlanPrefix) => (plan: JobPlan): JobPlan => ({ ...plan, prefix });
const refusals = (ring: StageRing): (string | undefined)[] => ring.workers.map(({ sent }) => sent.findLast((message) => message.type === 'stage-refused')?.code);

/** A first answer of 20 ids, then what a next turn asks. */
async function conversation(options: Partial<RingOptions> = {}): Promise<{ ring: StageRing; first: RingJob; prompt: number[] }> {
  const ring = await StageRing.make({ stages: 3, seed, ...options });
  const first = await ring.run(FIRST, 20);
  return { ring, first, prompt: [...idsOf(first), ...NEXT] };
}

test.each([1, 2, 3])('V2: over %i stages a next turn computes and commits what is new alone, and draws the ids that it would have drawn', async (stages) => {
  const { ring, first, prompt } = await conversation({ stages });
  const computed: number[][] = ring.workers.map(() => []);
  ring.workers.forEach(({ engine }, stage) => (engine.beforeRun = (_, position) => void computed[stage]?.push(position)));
  const next = await ring.run(prompt, 20, on(prefixOf(first, 48)));
  for (const positions of computed) expect(Math.min(...positions)).toBe(48);
  const plain = await (await StageRing.make({ stages, seed })).run(prompt, 20);
  expect(next.ids).toEqual(plain.ids);
  for (const stage of ring.workers.keys()) {
    const units = ring.sent(stage, 'unit', next).map(({ receipt }) => receipt.body);
    expect(units.map(({ unit, from }) => [unit, from])).toEqual(units.map((_, index) => [3 + index, 48 + UNIT_POSITIONS * index]));
    expect(units.at(-1)?.to).toBe(prompt.length + 19);
    if (stages > 1) expect(ring.sent(stage, 'acknowledge', next)).toHaveLength(units.length);
    expect(ring.sent(stage, 'root', next)[0]?.salts).toHaveLength(units.length);
  }
});

test('V1: the cache of a turn stands on the one before, and what audits ask for reaches back to position 0', async () => {
  const { ring, first, prompt } = await conversation();
  const second = await ring.run(prompt, 10, on(prefixOf(first, 48)));
  const third = await ring.run([...idsOf(second), ...NEXT], 10, on(prefixOf(second, 80)));
  expect(third.ids).toEqual((await (await StageRing.make({ stages: 3, seed })).run([...idsOf(second), ...NEXT], 10)).ids);
  for (const [stage, { pipeline, pieces }] of ring.workers.entries()) {
    const inputs = async (job: RingJob, from: number, units: number): Promise<Buffer[]> => {
      pieces.splice(0);
      await pipeline.after.supply({ type: 'supply', audit: 'aa'.repeat(16) as never, job: job.signed.plan.job, version: 1, side: 'input', from, units });
      return pieces.map(({ bytes }) => Buffer.from(bytes));
    };
    const whole = await inputs(third, 0, 5);
    expect(whole, `stage ${stage}`).toEqual([...(await inputs(first, 0, 3)), ...(await inputs(second, 3, 5))]);
  }
});

test('V1: a kept cache is given once; what is gone is refused by name, and nothing is computed for it', async () => {
  const { ring, first, prompt } = await conversation();
  await ring.run(prompt, 4, on(prefixOf(first, 48)));
  await expect(ring.run(prompt, 4, on(prefixOf(first, 48)))).rejects.toThrow('prefix-gone');
  expect(refusals(ring)).toEqual(Array(3).fill('prefix-gone'));
  await expect(ring.run(prompt, 4, on({ ...prefixOf(first, 48), planHash: 'ab'.repeat(32) as never }))).rejects.toThrow('prefix-gone');
});

test('V2: more positions than were accepted, and other ids, are refused', async () => {
  const { ring, first, prompt } = await conversation();
  await expect(ring.run([...prompt, ...ids(20)], 4, on(prefixOf(first, 64)))).rejects.toThrow('prefix-gone');
  const other = await conversation();
  await expect(other.ring.run([...ids(40), ...prompt], 4, on(prefixOf(other.first, 48)))).rejects.toThrow('wrong-prompt');
  expect(refusals(other.ring)).toEqual(['wrong-prompt', undefined, undefined]);
});

test.each([
  ['five minutes', (ring: StageRing) => ring.workers.forEach((worker) => (worker.aheadMs += KEPT_CACHE_MS))],
  ['the coordinator said so', (ring: StageRing, { signed: { plan } }: RingJob) => ring.workers.forEach(({ pipeline }) => pipeline.caches.forget(plan.job, plan.version))],
  ['the connection ended', (ring: StageRing) => ring.workers.forEach(({ pipeline }) => pipeline.abandon())],
] as const)('V7: after %s nothing is kept', async (_, end) => {
  const { ring, first, prompt } = await conversation();
  const caches = (): number[] => ring.workers.map(({ engine }) => engine.jobs.size);
  expect(caches()).toEqual([1, 1, 1]);
  end(ring, first);
  await expect(ring.run(prompt, 4, on(prefixOf(first, 48)))).rejects.toThrow('prefix-gone');
  expect(caches()).toEqual([0, 0, 0]);
});

test('V1: a plan that needs the memory takes it from kept caches, and is not refused for them', async () => {
  const { ring, first, prompt } = await conversation();
  const other = await ring.plan(ids(300), 4);
  ring.workers.forEach(({ engine, identity }, stage) => {
    const [from, to] = layersOf(stage, 3);
    engine.heldBytes = identity.memoryBudgetBytes - jobBytes(other.signed.plan, holdToy(stageShape({ from, to }, TOY.layers))) - 1_000;
  });
  await (await ring.start(other)).over;
  ring.workers.forEach(({ engine }) => (engine.heldBytes = 0));
  await expect(ring.run(prompt, 4, on(prefixOf(first, 48)))).rejects.toThrow('prefix-gone');
});

test('E6, V2: with drafts the next turn draws the same ids', async () => {
  const { ring, first, prompt } = await conversation({ maxDrafts: 15 });
  for (const { engine } of ring.workers) engine.timed = false;
  const next = await ring.run(prompt, 20, on(prefixOf(first, 48)));
  expect(next.ids).toEqual((await (await StageRing.make({ stages: 3, seed })).run(prompt, 20)).ids);
});

test.each([[2, 0], [2, 1], [3, 0], [3, 1], [3, 2]])('V9: over %i stages the worker of stage %i is another: it alone computes the history again, which goes no further, and the ids are those of all of it', async (stages, lost) => {
  const { ring, first, prompt } = await conversation({ stages });
  await ring.replace(lost);
  const computed: [number, number][][] = ring.workers.map(() => []);
  ring.workers.forEach(({ engine }, stage) => (engine.beforeRun = (key, position) => void computed[stage]?.push([position, engine.jobs.get(key)?.length ?? -1])));
  const crossed: [number, number][] = [];
  ring.onFrame = (_, to, bytes) => {
    const frame = decodeFrame(bytes);
    if (frame.kind === 'rows') crossed.push([to, frame.position]);
    return bytes;
  };
  const next = await ring.run(prompt, 20, on({ ...prefixOf(first, 48), rebuilds: lost }));
  for (const [stage, runs] of computed.entries()) expect([stage, Math.min(...runs.map(([position]) => position))]).toEqual([stage, stage === lost ? 0 : 48]);
  expect(crossed.filter(([, position]) => position < 48)).toEqual(lost === 0 ? [] : [0, 16, 32].map((position) => [lost, position]));
  expect(next.ids).toEqual((await (await StageRing.make({ stages, seed })).run(prompt, 20)).ids);
  for (const stage of ring.workers.keys()) {
    const units = ring.sent(stage, 'unit', next).map(({ receipt }) => receipt.body);
    expect([units[0]?.unit, units[0]?.from, units.at(-1)?.to]).toEqual([3, 48, prompt.length + 19]);
    expect(ring.sent(stage, 'acknowledge', next)).toHaveLength(units.length);
    expect(ring.workers[stage]?.refused).toEqual([]);
  }
});

test('V9: what a rebuilt stage was given is what the one before it signed, and another stage may be rebuilt after it', async () => {
  const { ring, first, prompt } = await conversation();
  await ring.replace(1);
  const second = await ring.run(prompt, 10, on({ ...prefixOf(first, 48), rebuilds: 1 }));
  const pieces = async (stage: number, side: 'input' | 'payload', job: RingJob): Promise<Buffer[]> => {
    const worker = ring.workers[stage];
    worker?.pieces.splice(0);
    await worker?.pipeline.after.supply({ type: 'supply', audit: 'aa'.repeat(16) as never, job: job.signed.plan.job, version: 1, side, units: 3 });
    return worker?.pieces.map(({ bytes }) => Buffer.from(bytes)) ?? [];
  };
  expect(await pieces(1, 'input', second)).toEqual(await pieces(0, 'payload', first));
  await ring.replace(0);
  const asked = [...idsOf(second), ...NEXT];
  const third = await ring.run(asked, 10, on({ ...prefixOf(second, 80), rebuilds: 0 }));
  expect(third.ids).toEqual((await (await StageRing.make({ stages: 3, seed })).run(asked, 10)).ids);
});

test('V9, F3: rows that reach from the prefix beyond it are refused, and those of it come in their order', async () => {
  const { ring, first, prompt } = await conversation();
  await ring.replace(1);
  ring.onFrame = (_, to, bytes) => {
    const frame = decodeFrame(bytes);
    if (to !== 1 || frame.kind !== 'rows' || frame.position !== 32) return bytes;
    return encodeFrame({ ...frame, count: 32, payload: new Uint8Array(2 * frame.payload.length) });
  };
  const job = await ring.start(await ring.plan(prompt, 4, on({ ...prefixOf(first, 48), rebuilds: 1 })));
  await ring.settled();
  const [found, ...others] = ring.workers[1]?.refused.map(({ code }) => code) ?? [];
  expect([found, new Set(others)]).toEqual(['wrong-shape', new Set(['stale-cache'])]);
  expect([job.ids, ring.sent(1, 'fault', job).length > 0]).toEqual([[], true]);
});
