import { expect, test } from 'vitest';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { decodeFrame, encodeFrame } from '@ciro/core/protocol/frame.ts';
import { randomSource, StageRing } from '../../../tests/support/stage-ring.ts';
import { TOY } from '../../../tests/support/toy-model.ts';
import { MAX_REPLAYED_RUNS } from './stage-limits.ts';
import type { RingJob } from '../../../tests/support/stage-ring.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`replayed history: seed ${seed}`);

const random = randomSource(seed);
const PROMPT = Array.from({ length: 37 }, () => random(TOY.vocabulary));

type Run = readonly [position: number, count: number];

const ones = (from: number, to: number): Run[] => Array.from({ length: to - from }, (_, index) => [from + index, 1]);

/** An answer of which `drawn` ids came before it moved. */
async function moved(drawn: number, stages = 3): Promise<{ ring: StageRing; first: RingJob; prompt: number[] }> {
  const ring = await StageRing.make({ stages, seed });
  const first = await ring.run(PROMPT, drawn);
  return { ring, first, prompt: [...PROMPT, ...first.ids] };
}

/** Goes on with it; the runs of each stage. */
async function goOn({ ring, first, prompt }: Awaited<ReturnType<typeof moved>>, { positions, rebuilds, drawnFrom = PROMPT.length }: { positions?: number; rebuilds?: number; drawnFrom?: number | null }): Promise<{ runs: Run[][]; next: RingJob }> {
  if (rebuilds !== undefined) await ring.replace(rebuilds);
  const runs: Run[][] = ring.workers.map(() => []);
  ring.workers.forEach(({ engine }, stage) => {
    const run = engine.run.bind(engine);
    engine.run = (key, position, input, count, options) => {
      runs[stage]?.push([position, count]);
      return run(key, position, input, count, options);
    };
  });
  const { job } = first.signed.plan;
  const prefix = positions === undefined ? undefined : { job, planHash: planHashOf(first.signed.plan), positions, ...(rebuilds !== undefined && { rebuilds }) };
  const next = await ring.run(prompt, 4, (plan) => ({ ...plan, ...(drawnFrom !== null && { drawnFrom }), ...(prefix && { prefix }) }));
  return { runs, next };
}

test.each([0, 1, 2])('V10: stage %i, rebuilt, computes the history in the runs in which it was computed', async (rebuilds) => {
  const { runs } = await goOn(await moved(30), { positions: 48, rebuilds });
  const after = ones(48, 70);
  const whole = [[0, 16], [16, 16], [32, 5], ...ones(37, 48), ...after];
  for (const [stage, found] of runs.entries()) expect([stage, ...found]).toEqual([stage, ...(stage === rebuilds ? whole : after)]);
});

test('V10: where all of it is computed again, every stage does so from the first drawn id on, one by one', async () => {
  const { runs } = await goOn(await moved(20), {});
  for (const found of runs) expect(found).toEqual([[0, 16], [16, 16], [32, 5], ...ones(37, 60)]);
});

test('V10: an answer that moves twice is computed as it was at first', async () => {
  const state = await moved(20);
  const { next } = await goOn(state, { positions: 48, rebuilds: 1 });
  const again = { ...state, first: next, prompt: [...state.prompt, ...next.ids] };
  const { runs } = await goOn(again, { positions: 48, rebuilds: 1 });
  expect(runs[1]).toEqual([[0, 16], [16, 16], [32, 5], ...ones(37, 64)]);
});

test('V10: a next turn, which is no part of the answer, is computed in chunks', async () => {
  const { runs } = await goOn(await moved(30), { positions: 48, rebuilds: 1, drawnFrom: null });
  expect(runs[1]).toEqual([[0, 16], [16, 16], [32, 16], [48, 16], [64, 3], ...ones(67, 70)]);
});

test('V10: a history of more runs than are replayed is computed in chunks', async () => {
  const positions = 16 * Math.ceil((PROMPT.length + MAX_REPLAYED_RUNS) / 16);
  const { runs } = await goOn(await moved(MAX_REPLAYED_RUNS + 30), { positions, rebuilds: 1 });
  expect(runs[1]?.slice(0, positions / 16)).toEqual(Array.from({ length: positions / 16 }, (_, index) => [16 * index, 16]));
  expect(runs[1]?.[positions / 16]).toEqual([positions, 1]);
});

test.each([
  ['a run over the end of the prefix', 47, { count: 2 }, 'wrong-shape'],
  ['a run that was there before', 40, { position: 39 }, 'stale-cache'],
  ['a run that leaves one out', 40, { position: 41 }, 'stale-cache'],
  ['more rows than a frame may have', 40, { count: 8, bytes: 65 }, 'wrong-shape'],
] as const)('V10, F3: %s is refused by name in a history, and nothing is computed from it', async (_, at, { position = at, count = 1, bytes = count }: { position?: number; count?: number; bytes?: number }, code) => {
  const state = await moved(30);
  const { ring, first, prompt } = state;
  await ring.replace(1);
  ring.onFrame = (_from, to, sent) => {
    const frame = decodeFrame(sent);
    if (to !== 1 || frame.kind !== 'rows' || frame.position !== at) return sent;
    return encodeFrame({ ...frame, position, acceptedTo: position, count, payload: new Uint8Array(bytes * frame.payload.length) });
  };
  const prefix = { job: first.signed.plan.job, planHash: planHashOf(first.signed.plan), positions: 48, rebuilds: 1 };
  const job = await ring.start(await ring.plan(prompt, 4, (plan) => ({ ...plan, drawnFrom: PROMPT.length, prefix })));
  await ring.settled();
  expect(ring.workers[1]?.refused[0]?.code).toBe(code);
  expect([job.ids, ring.sent(1, 'fault', job)[0]?.code]).toEqual([[], code]);
});
