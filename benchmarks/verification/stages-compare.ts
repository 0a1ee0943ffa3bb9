import { boundaryGrid, cellsOfRow, cellsUnderHints, CommitmentError } from '@ciro/core/commitment/cells.ts';
import { gridTellsApart } from './attacks/early-grid.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';

/** How rows of two engines for the same inputs differ. `tau` is position 0's own where a row stands there. */
export interface Comparison {
  rows: number;
  /** Rows with the same bits. */
  bitEqual: number;
  /** Rows whose cells differ under the hints of the one engine or of the other (SPEC C4). */
  misses: number;
  /** Rows that the grid of 1/64 with SHA-256, which the network began with, would tell apart. */
  gridMisses: number;
  /** Largest |x - x'| in units of tau, past position 0 and at it. */
  worstOfTau: number;
  worstOfTauAtZero: number;
  /** Largest mean of |x - x'| over a row, in units of tau (SPEC A6 allows 1/8). */
  meanOfTau: number;
  /** Mean over all rows of (x - x') with its sign, in units of tau: what is left when errors cancel. */
  biasOfTau: number;
}

export const NOTHING_COMPARED: Readonly<Comparison> = { rows: 0, bitEqual: 0, misses: 0, gridMisses: 0, worstOfTau: 0, worstOfTauAtZero: 0, meanOfTau: 0, biasOfTau: 0 };

/** Two comparisons as one. */
export function joined(a: Comparison, b: Comparison): Comparison {
  const rows = a.rows + b.rows;
  return {
    rows,
    bitEqual: a.bitEqual + b.bitEqual,
    misses: a.misses + b.misses,
    gridMisses: a.gridMisses + b.gridMisses,
    worstOfTau: Math.max(a.worstOfTau, b.worstOfTau),
    worstOfTauAtZero: Math.max(a.worstOfTauAtZero, b.worstOfTauAtZero),
    meanOfTau: Math.max(a.meanOfTau, b.meanOfTau),
    biasOfTau: rows === 0 ? 0 : (a.biasOfTau * a.rows + b.biasOfTau * b.rows) / rows,
  };
}

/** Compares the rows [n, d] of one sequence from position `from` on. A value that has no cell counts as a miss. */
export function compareRows(worker: Float32Array, auditor: Float32Array, table: CalibrationTable, boundary: number, from = 0): Comparison {
  const grid = boundaryGrid(table, boundary);
  const { channels } = grid;
  const [own, theirs] = [new Int32Array(channels), new Int32Array(channels)];
  const flags = new Uint32Array(channels);
  const flagAt = new Uint8Array(channels);
  const result: Comparison = { ...NOTHING_COMPARED };
  let signed = 0;
  for (let at = 0, position = from; at < worker.length; at += channels, position++) {
    const [a, b] = [worker.subarray(at, at + channels), auditor.subarray(at, at + channels)];
    // 1/s = 1/(64 tau): a difference times this and 64 is in units of tau.
    const inverse = position === 0 ? grid.inverseStepAtZero : grid.inverseStep;
    let [sum, worst, bits] = [0, 0, true];
    for (let channel = 0; channel < channels; channel++) {
      const [x, y] = [a[channel] ?? NaN, b[channel] ?? NaN];
      const error = (x - y) * (inverse[channel] ?? NaN) * 64;
      signed += error / channels;
      sum += Math.abs(error);
      worst = Math.max(worst, Math.abs(error));
      bits &&= Object.is(x, y);
    }
    result.rows++;
    if (bits) result.bitEqual++;
    if (!bits && gridTellsApart(a, b)) result.gridMisses++;
    if (position === 0) result.worstOfTauAtZero = Math.max(result.worstOfTauAtZero, worst);
    else result.worstOfTau = Math.max(result.worstOfTau, worst);
    result.meanOfTau = Math.max(result.meanOfTau, sum / channels);
    if (!bits && !(sameCells(a, b) && sameCells(b, a))) result.misses++;

    function sameCells(one: Float32Array, other: Float32Array): boolean {
      try {
        flagAt.fill(0);
        const count = cellsOfRow(one, position, grid, own, flags, 0, 0);
        for (const flag of flags.subarray(0, count)) flagAt[flag >>> 1] = 1 + (flag & 1);
        cellsUnderHints(other, position, grid, flagAt, theirs);
        return own.every((cell, channel) => cell === theirs[channel]);
      } catch (error) {
        if (error instanceof CommitmentError) return false;
        throw error;
      }
    }
  }
  result.biasOfTau = result.rows === 0 ? 0 : signed / result.rows;
  return result;
}
