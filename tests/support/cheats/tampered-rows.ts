import { seededNumbers } from './seeded-numbers.ts';

/** Rows of one unit as a cheat finds them, [rows, channels]; `scales(row)` are the channels' scales at that row's position. */
export interface UnitRows {
  readonly rows: Float32Array;
  readonly channels: number;
  readonly scales: (row: number) => Float64Array;
  /** Tells the units of one run apart, so that each has numbers of its own. */
  readonly unit: string;
}

/** What is handed on in the place of honest rows. Gives a new array. */
export type RowCheat = (honest: UnitRows) => Float32Array;

/** Normal noise of 2^exponent of each channel's scale on every element. */
export const rowNoise = (exponent: number, seed: number): RowCheat => {
  const size = 2 ** exponent;
  return (honest) => {
    const { normal } = seededNumbers(seed, honest.unit);
    return mapRows(honest, (value, scale) => value + size * scale * normal());
  };
};

/**
 * Doubles the four channels with the largest scales and leaves all others: where a trained model keeps its massive
 * activations, which a check that clamps values does not see.
 */
export const tamperedOutliers: RowCheat = (honest) => {
  const { rows, channels, scales } = honest;
  const changed = rows.slice();
  for (let row = 0; row * channels < rows.length; row++) {
    const scale = scales(row);
    const largest = Array.from(scale.keys()).sort((a, b) => (scale[b] ?? 0) - (scale[a] ?? 0)).slice(0, 4);
    for (const channel of largest) changed[row * channels + channel] = 2 * (changed[row * channels + channel] ?? 0);
  }
  return changed;
};

/** Work that was never done: zeros. */
export const zeroRows: RowCheat = (honest) => mapRows(honest, () => 0);

/** One value everywhere, of the size that the table says is usual. */
export const constantRows: RowCheat = (honest) => mapRows(honest, (_value, scale) => scale / 2);

/** The best guess of somebody who knows the table and computes nothing: normal numbers of every channel's scale. */
export const randomRows = (seed: number): RowCheat => (honest) => {
  const { normal } = seededNumbers(seed, honest.unit);
  return mapRows(honest, (_value, scale) => scale * normal());
};

function mapRows({ rows, channels, scales }: UnitRows, change: (value: number, scale: number) => number): Float32Array {
  const out = new Float32Array(rows.length);
  for (let row = 0, at = 0; at < rows.length; row++) {
    const scale = scales(row);
    for (let channel = 0; channel < channels; channel++, at++) out[at] = change(rows[at] ?? 0, scale[channel] ?? 1);
  }
  return out;
}
