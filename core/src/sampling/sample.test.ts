import { expect, test } from 'vitest';
import { distributionOf } from './distribution.ts';
import { drawAt } from './draw.ts';
import { largest } from './largest-first.ts';
import { greedy, sample } from './sample.ts';
import type { SamplerSettings } from './sampler-settings.ts';

const plain: SamplerSettings = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };

/** Logits with probabilities 0.4, 0.3, 0.2, 0.1 at ids 3, 1, 0, 2. */
const four = Float32Array.of(Math.log(0.2), Math.log(0.3), Math.log(0.1), Math.log(0.4));

/** Deterministic logits over a vocabulary as large as a real one. */
function manyLogits(seed: number): Float32Array {
  return Float32Array.from({ length: 49152 }, (_, id) => 20 * drawAt(seed, id) ** 3);
}

test('S1: greedy takes the largest logit and the lowest id of equals', () => {
  expect(greedy(Float32Array.of(1, 5, 5, -2))).toBe(1);
  expect(sample(four, { ...plain, temperature: 0 }, 7, 0, [])).toBe(3);
});

test.each([
  ['not a number', Float32Array.of(NaN, 1)],
  ['infinite', Float32Array.of(0, Infinity)],
  ['empty', new Float32Array(0)],
])('logits whose largest is %s are refused', (_, logits) => {
  expect(() => greedy(logits)).toThrowError(/logits/);
});

test('S2: the draw depends on seed and position only and is uniform', () => {
  expect(drawAt(1, 2)).toBe(drawAt(1, 2));
  expect(drawAt(1, 2)).not.toBe(drawAt(2, 1));
  const draws = Array.from({ length: 20_000 }, (_, position) => drawAt(42, position));
  const buckets = new Array<number>(10).fill(0);
  for (const draw of draws) buckets[Math.floor(draw * 10)] = (buckets[Math.floor(draw * 10)] ?? 0) + 1;
  // 20,000 draws in 10 buckets: standard deviation 42, so 5 of them is 212.
  for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(212);
});

test('sampled frequencies follow the softmax of the logits', () => {
  const counts = [0, 0, 0, 0];
  const draws = 10_000;
  for (let position = 0; position < draws; position++) {
    const id = sample(four, plain, 9, position, []);
    counts[id] = (counts[id] ?? 0) + 1;
  }
  [0.2, 0.3, 0.1, 0.4].forEach((p, id) => expect(Math.abs((counts[id] ?? 0) / draws - p)).toBeLessThan(0.025));
});

test('S1: temperature divides the logits', () => {
  const { weights } = distributionOf(four, { ...plain, temperature: 0.5 });
  expect(weights[1]).toBeCloseTo((0.3 / 0.4) ** 2, 6);
});

test('S1: top-k keeps the k largest, ties by lowest id', () => {
  expect([...distributionOf(four, { ...plain, topK: 2 }).ids]).toEqual([1, 3]);
  expect([...largest(Float32Array.of(2, 2, 3, 2), 2)]).toEqual([0, 2]);
});

test('S1: top-p keeps the fewest ids that reach the sum, the crossing one included', () => {
  expect([...distributionOf(four, { ...plain, topP: 0.65 }).ids]).toEqual([1, 3]);
  expect([...distributionOf(four, { ...plain, topP: 0.75 }).ids]).toEqual([0, 1, 3]);
  expect([...distributionOf(four, { ...plain, topP: 0 }).ids]).toEqual([3]);
});

test('S1: min-p keeps ids at least that share as likely as the likeliest', () => {
  expect([...distributionOf(four, { ...plain, minP: 0.45 }).ids]).toEqual([0, 1, 3]);
});

test('S1: the penalty divides positive and multiplies negative logits once, however often an id recurs', () => {
  const logits = Float32Array.of(4, 3, -1, -1.5);
  expect(sample(logits, { ...plain, temperature: 0, repetitionPenalty: 1.5 }, 0, 0, [0, 0, 0])).toBe(1);
  const only = Float32Array.of(-1, -1.5);
  expect(sample(only, { ...plain, temperature: 0, repetitionPenalty: 2 }, 0, 0, [0])).toBe(1);
  expect([...only]).toEqual([-1, -1.5]);
});

test.each([3, 4, 5])('selection over a whole vocabulary equals a full sort (seed %i)', (seed) => {
  const logits = manyLogits(seed);
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  expect([...largest(logits, 40)]).toEqual(order.slice(0, 40).sort((a, b) => a - b));

  const most = logits[order[0] ?? 0] ?? 0;
  const weights = order.map((id) => Math.exp((logits[id] ?? 0) - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let reached = 0;
  let count = 0;
  while (reached < 0.9 * total) reached += weights[count++] ?? 0;
  expect(distributionOf(logits, { ...plain, topP: 0.9 }).ids).toHaveLength(count);
});
