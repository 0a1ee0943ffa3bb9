import type { ChangeWeight } from './reference-run.ts';

/**
 * Elements that share a step. 64 and not 32: a file of Q8_0 has blocks of 32, and requantising those gives them back
 * unchanged, which is no cheat.
 */
const BLOCK_ELEMENTS = 64;

/**
 * The cheapest cheat that must not pass: matrices rounded to `bits` signed bits with one float32 step for every block of a
 * row. Gains keep their values. Writes into what it is given.
 */
export function requantised(bits: number): ChangeWeight {
  const levels = 2 ** (bits - 1) - 1;
  return (values, dims) => {
    const width = dims[1];
    if (width === undefined) return values;
    for (let row = 0; row < values.length; row += width) {
      for (let from = row; from < row + width; from += BLOCK_ELEMENTS) roundBlock(values.subarray(from, Math.min(from + BLOCK_ELEMENTS, row + width)), levels);
    }
    return values;
  };
}

function roundBlock(block: Float32Array, levels: number): void {
  const step = Math.fround(block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / levels);
  if (step === 0) return;
  for (let i = 0; i < block.length; i++) block[i] = Math.round((block[i] ?? 0) / step) * step;
}
