import type { WeightCheat } from './weight-cheat.ts';

/** Weights in a block share one scale. */
const BLOCK = 32;

/** Serves the model in 8 bits (ggml's Q8_0: one half-precision scale a block of 32) where the model id says otherwise. Saves a lot where the true weights are wider. */
export const requantise8: WeightCheat = { kind: 'weights', change: ({ dims, values }) => dims.length === 2 && eachBlock(values, roundTo8) };

/** The same in 4 bits (ggml's Q4_0). */
export const requantise4: WeightCheat = { kind: 'weights', change: ({ dims, values }) => dims.length === 2 && eachBlock(values, roundTo4) };

function eachBlock(values: Float32Array, round: (block: Float32Array) => void): void {
  for (let at = 0; at < values.length; at += BLOCK) round(values.subarray(at, at + BLOCK));
}

function roundTo8(block: Float32Array): void {
  let most = 0;
  for (const value of block) most = Math.max(most, Math.abs(value));
  const exact = most / 127;
  const scale = Math.f16round(exact);
  for (let i = 0; i < block.length; i++) block[i] = exact === 0 ? 0 : scale * Math.round((block[i] ?? 0) / exact);
}

function roundTo4(block: Float32Array): void {
  // Q4_0 gives the value farthest from zero the code 0, which stands for -8 scales.
  let farthest = 0;
  for (const value of block) if (Math.abs(value) > Math.abs(farthest)) farthest = value;
  const exact = farthest / -8;
  const scale = Math.f16round(exact);
  for (let i = 0; i < block.length; i++) block[i] = exact === 0 ? 0 : scale * (Math.min(15, Math.floor((block[i] ?? 0) / exact + 8.5)) - 8);
}
