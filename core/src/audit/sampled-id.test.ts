import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NO_ID } from '../commitment/unit-hashes.ts';
import { drawAt } from '../sampling/draw.ts';
import { sample } from '../sampling/sample.ts';
import { checkId } from './sampled-id.ts';
import { SampledIdTally } from './sampled-id-tally.ts';
import type { PlanSampler } from '../job/plan.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`sampled-id: seed ${seed}`);

const greedy: PlanSampler = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 };
const drawn: PlanSampler = { ...greedy, temperature: 1 };
const DELTA = 2 ** -6;
const ask = (logits: readonly number[], id: number, sampler: PlanSampler = greedy, recentIds: readonly number[] = [], position = 3) => checkId({ logits: Float32Array.from(logits), sampler, position, id, recentIds, delta: DELTA });

it('A7: greedy, the id of the largest logit is right, one within delta of it ambiguous, any other wrong', () => {
  const logits = [1, 5, 5 - 2 ** -7, 4.5, 5];
  expect(ask(logits, 1)).toEqual({ state: 'right', gap: 0 });
  expect(ask(logits, 2)).toEqual({ state: 'ambiguous', gap: 2 ** -7 });
  expect(ask(logits, 4)).toEqual({ state: 'ambiguous', gap: 0 });
  expect(ask(logits, 3)).toEqual({ state: 'wrong', gap: 0.5 });
});

it('A7: exactly delta below the largest is within the tolerance', () => {
  expect(ask([8, 8 - DELTA], 1).state).toBe('ambiguous');
  expect(ask([8, 8 - DELTA * 1.01], 1).state).toBe('wrong');
});

it('A7: the repetition penalty is applied before, and stretches what engines differ by', () => {
  expect(ask([6, 5], 1, { ...greedy, repetitionPenalty: 1.5 }, [0])).toEqual({ state: 'right', gap: 0 });
  const halved = { ...greedy, repetitionPenalty: 0.5 };
  expect(ask([2, 4 - 1.5 * DELTA], 1, halved, [0]).state).toBe('ambiguous');
  expect(ask([4, 4 - 1.5 * DELTA], 1, greedy, [0]).state).toBe('wrong');
});

it.each([greedy, drawn])('A7: an id outside the vocabulary is wrong, by a gap that is a number (temperature $temperature)', (sampler) => {
  for (const id of [4, NO_ID]) {
    const check = ask([1, 2, 3, 4], id, sampler);
    expect(check.state).toBe('wrong');
    expect(Number.isFinite(check.gap) && check.gap >= 0).toBe(true);
  }
});

it.each([greedy, drawn])('A7: logits of an auditor that are no numbers judge nobody (temperature $temperature)', (sampler) => {
  for (const logits of [[1, Number.NaN], [Number.NaN, 1], [Number.POSITIVE_INFINITY, 1], []]) expect(() => ask(logits, 0, sampler)).toThrow(expect.objectContaining({ code: 'bad-logits' }));
});

it('A7: drawn, the id whose interval holds the draw is right, its neighbours are only so near the edge', () => {
  // Two ids of a half each: the edge is at 1/2.
  const near = Array.from({ length: 4_000 }, (_, position) => position).filter((position) => Math.abs(drawAt(1, position) - 0.5) < DELTA / 8);
  const far = Array.from({ length: 200 }, (_, position) => position).filter((position) => Math.abs(drawAt(1, position) - 0.5) > DELTA / 2);
  expect(near.length).toBeGreaterThan(5);
  for (const position of near) expect([0, 1].map((id) => ask([1, 1], id, drawn, [], position).state).sort()).toEqual(['ambiguous', 'right']);
  for (const position of far) {
    const draw = drawAt(1, position);
    const other = draw < 0.5 ? 1 : 0;
    expect(ask([1, 1], 1 - other, drawn, [], position).state).toBe('right');
    expect(ask([1, 1], other, drawn, [], position)).toEqual({ state: 'wrong', gap: Math.abs(draw - 0.5) });
  }
});

const VOCABULARY = 64;
const samplers = fc.record({
  temperature: fc.double({ min: 0.2, max: 2, noNaN: true }),
  topK: fc.constantFrom(0, 1, 5, 40),
  topP: fc.oneof(fc.constant(1), fc.double({ min: 0.05, max: 0.99, noNaN: true })),
  minP: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 0.5, noNaN: true })),
  repetitionPenalty: fc.oneof(fc.constant(1), fc.double({ min: 0.5, max: 2, noNaN: true })),
  seed: fc.nat(),
});

it('A7: what an engine samples from logits within delta of the auditor\'s is never wrong, whatever the sampler', () => {
  const states = { right: 0, ambiguous: 0, wrong: 0 };
  fc.assert(
    fc.property(samplers, fc.nat(), fc.nat(1_000), fc.constantFrom(DELTA, 0.25), fc.boolean(), (sampler, from, position, delta, level) => {
      // Every second vocabulary is nearly flat: there, a change of delta reorders everything.
      const logits = Float32Array.from({ length: VOCABULARY }, (_, id) => (level ? 0.5 : 12) * drawAt(from, id) ** 2 - 2);
      const others = logits.map((logit, id) => Math.fround(logit + 0.49 * delta * (2 * drawAt(from + 1, id) - 1)));
      const recentIds = [3, 9, 27];
      const id = sample(others, sampler, sampler.seed, position, recentIds);
      states[checkId({ logits, sampler, position, id, recentIds, delta }).state]++;
      expect(states.wrong).toBe(0);
    }),
    { seed, numRuns: 1_500 },
  );
  expect(states.ambiguous).toBeGreaterThan(10);
  expect(states.right).toBeGreaterThan(700);
});

it('A7: ids drawn with another seed are wrong wherever they differ, but for those at an edge', () => {
  const states = { right: 0, ambiguous: 0, wrong: 0 };
  const sampler = { ...drawn, topK: 40, topP: 0.95 };
  for (let position = 0; position < 600; position++) {
    const logits = Float32Array.from({ length: VOCABULARY }, (_, id) => 6 * drawAt(seed + position, id));
    const id = sample(logits, sampler, 2, position, []);
    if (id !== sample(logits, sampler, 1, position, [])) states[checkId({ logits, sampler, position, id, recentIds: [], delta: DELTA }).state]++;
  }
  expect(states.right).toBe(0);
  expect(states.wrong / (states.wrong + states.ambiguous)).toBeGreaterThan(0.9);
});

it('A7: a sampler that keeps one id leaves nothing to a cheat', () => {
  const logits = [1, 9, 2, 3];
  for (const sampler of [{ ...drawn, topK: 1 }, { ...drawn, topP: 0 }, { ...drawn, minP: 0.9 }]) expect([0, 1, 2, 3].map((id) => ask(logits, id, sampler).state)).toEqual(['wrong', 'right', 'wrong', 'wrong']);
});

it('A7: a tally needs logits from the last prompt position on, and lists what is wrong', () => {
  const logits = Float32Array.of(1, 5, 5 - 2 ** -7, 0);
  const tally = new SampledIdTally(Uint32Array.of(NO_ID, NO_ID, 1, 2, 3), { sampler: greedy, promptTokens: 3, delta: DELTA });
  expect(tally.positions).toEqual([2, 3, 4]);
  for (const position of tally.positions) tally.add(position, logits);
  expect(tally.result).toEqual({ checked: 3, ambiguous: 1, wrong: [{ position: 4, id: 3, gap: 5 }] });
  expect(() => tally.add(1, logits)).toThrow('position 1 has no sampled id');
  expect(() => tally.add(5, logits)).toThrow('position 5 has no sampled id');
});

it('A7: an id inside the prompt is made up, and one that is missing after it is wrong', () => {
  const made = new SampledIdTally(Uint32Array.of(4, NO_ID), { sampler: greedy, promptTokens: 3, delta: DELTA });
  expect(made.result).toEqual({ checked: 0, ambiguous: 0, wrong: [{ position: 0, id: 4, gap: 0 }] });
  const missing = new SampledIdTally(Uint32Array.of(NO_ID), { sampler: greedy, promptTokens: 1, delta: DELTA });
  missing.add(0, Float32Array.of(1, 2));
  expect(missing.result.wrong).toHaveLength(1);
});

it('A7: the penalty sees the answer before the position and nothing of the prompt', () => {
  const sampler = { ...greedy, repetitionPenalty: 2 };
  const tally = new SampledIdTally(Uint32Array.of(NO_ID, 1, 2), { sampler, promptTokens: 2, delta: DELTA });
  // At position 2, id 1 was said already and is halved: 2 is right.
  for (const position of [1, 2]) tally.add(position, Float32Array.of(0, 5, 4));
  expect(tally.result).toEqual({ checked: 2, ambiguous: 0, wrong: [] });
});

it('A7: at most 16 wrong ids are listed, as one message holds', () => {
  const tally = new SampledIdTally(new Uint32Array(40), { sampler: greedy, promptTokens: 1, delta: DELTA });
  for (const position of tally.positions) tally.add(position, Float32Array.of(0, 9));
  expect(tally.result.checked).toBe(40);
  expect(tally.result.wrong).toHaveLength(16);
});
