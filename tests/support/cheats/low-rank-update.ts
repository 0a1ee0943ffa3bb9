import { seededNumbers } from './seeded-numbers.ts';
import { rootMeanSquare } from './weight-noise.ts';
import type { WeightCheat } from './weight-cheat.ts';

/** Ranks of published adapters are 4 to 64. */
const RANK = 8;

/**
 * A fine-tuned model in the place of the base: adds a seeded product of two thin matrices to every query and value matrix,
 * as LoRA adapters do (Hu et al. 2021), of this share of the matrix's root mean square.
 */
export const lowRankUpdate = (share: number, seed: number): WeightCheat => ({
  kind: 'weights',
  change({ name, dims, values }) {
    if (!/attn_[qv]\.weight$/.test(name)) return;
    const [width = 0, rows = 0] = dims;
    const { normal } = seededNumbers(seed, name);
    const down = Float32Array.from({ length: RANK * width }, normal);
    const up = Float32Array.from({ length: RANK * rows }, normal);
    // A product of two standard normal matrices has variance RANK.
    const size = (share * rootMeanSquare(values)) / Math.sqrt(RANK);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < width; column++) {
        let sum = 0;
        for (let rank = 0; rank < RANK; rank++) sum += (up[row * RANK + rank] ?? 0) * (down[rank * width + column] ?? 0);
        values[row * width + column] = (values[row * width + column] ?? 0) + size * sum;
      }
    }
  },
});
