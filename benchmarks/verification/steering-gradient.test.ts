import { expect, it } from 'vitest';
import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';
import { dot, tracedBlock } from './steering-gradient.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { BlockWeights } from './steering-gradient.ts';

const SEED = 20_251_129;
const SHAPE: Architecture = { family: 'llama', layers: 1, hidden: 24, heads: 6, kvHeads: 2, headDim: 4, feedForward: 20, vocabulary: 8, context: 64, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: false };
const POSITIONS = 5;
/** Central differences of this step leave an error of its square, and of rounding over it. */
const STEP = 1e-5;

const { normal } = seededNumbers(SEED);
const floats = (count: number, size: number): Float32Array => Float32Array.from({ length: count }, () => size * normal());
const weights: BlockWeights = {
  attentionNorm: floats(SHAPE.hidden, 1),
  qkv: floats((SHAPE.heads + 2 * SHAPE.kvHeads) * SHAPE.headDim * SHAPE.hidden, 0.2),
  output: floats(SHAPE.hidden * SHAPE.heads * SHAPE.headDim, 0.2),
  feedForwardNorm: floats(SHAPE.hidden, 1),
  gateUp: floats(2 * SHAPE.feedForward * SHAPE.hidden, 0.2),
  down: floats(SHAPE.hidden * SHAPE.feedForward, 0.2),
};
const cached = SHAPE.kvHeads * POSITIONS * SHAPE.headDim;
const cache = { count: POSITIONS, keys: floats(cached, 1), values: floats(cached, 1) };

it(`the derivative of a block by its input row is that of finite differences, attention to itself included (seed ${SEED})`, () => {
  const x = Float64Array.from(floats(SHAPE.hidden, 2));
  const readOut = floats(SHAPE.hidden, 1);
  const value = (row: Float64Array): number => dot(tracedBlock(SHAPE, weights, cache, row).out, readOut);
  const gradient = tracedBlock(SHAPE, weights, cache, x).back(Float64Array.from(readOut));
  expect(Math.hypot(...gradient)).toBeGreaterThan(1);
  for (let channel = 0; channel < SHAPE.hidden; channel++) {
    const moved = (by: number): Float64Array => x.with(channel, (x[channel] ?? 0) + by);
    expect(gradient[channel], `channel ${channel}`).toBeCloseTo((value(moved(STEP)) - value(moved(-STEP))) / (2 * STEP), 6);
  }
});
