import { seededNumbers } from './seeded-numbers.ts';
import type { WeightCheat } from './weight-cheat.ts';

/** Adds normal noise of this share of a matrix's root mean square to every weight: a model that is almost the right one. */
export const weightNoise = (share: number, seed: number): WeightCheat => ({
  kind: 'weights',
  change({ name, dims, values }) {
    if (dims.length !== 2) return;
    const { normal } = seededNumbers(seed, name);
    const size = share * rootMeanSquare(values);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + size * normal();
  },
});

export function rootMeanSquare(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares / values.length);
}
