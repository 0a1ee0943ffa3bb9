import { CiroError } from '../errors.ts';
import type { CalibrationTable } from '../model/manifest.ts';

export class CommitmentError extends CiroError<'non-finite' | 'cell-overflow' | 'bad-hints' | 'hint-too-far' | 'wrong-shape' | 'out-of-order'> {}

/** s = 64 tau (SPEC C2): an element is within tau of a cell edge when its fraction is within 1/64 of an integer. */
export const CELLS_PER_TAU = 64;
const EDGE = 1 / CELLS_PER_TAU;
/** A flagged element of an auditor may lie up to 2 tau from the edge that the worker named (SPEC C4). */
const FLAG_REACH = 2 / CELLS_PER_TAU;
/** Cells are hashed as int32; calibration refuses a model that could leave this range. */
const CELL_LIMIT = 2 ** 31;

/** 1/s per channel, for position 0 and for every other position. Powers of two, so scaling is exact. */
export interface BoundaryGrid {
  readonly channels: number;
  readonly inverseStep: Float64Array;
  readonly inverseStepAtZero: Float64Array;
}

/** The grid of one boundary: 0 = embedding output, k = output of layer k-1, layers + 1 = final norm (SPEC C1). */
export function boundaryGrid(table: CalibrationTable, boundary: number): BoundaryGrid {
  const row = (exponents: Int8Array, tauExponent: number): Float64Array =>
    Float64Array.from(exponents.subarray(boundary * table.hidden, (boundary + 1) * table.hidden), (exponent) => 2 ** -(exponent + tauExponent) / CELLS_PER_TAU);
  const inverseStep = row(table.exponents, table.tauExponent);
  if (inverseStep.length !== table.hidden) {
    throw new CommitmentError('wrong-shape', `the calibration table has no boundary ${boundary}; it holds ${table.exponents.length / table.hidden} of them`, { fault: 'bug', fields: { boundary } });
  }
  return { channels: table.hidden, inverseStep, inverseStepAtZero: row(table.exponentsAtZero, table.tauExponentAtZero) };
}

/**
 * Cells of one row (SPEC C2): cell = floor(x / s) as int32, and the elements within tau of an edge.
 * Writes `channels` cells to `cells`; appends flags (element index times 2, plus 1 when x lies below the edge) to `flags`
 * from `flagCount` on and returns the new count. Element indices start at `firstElement`.
 */
export function cellsOfRow(row: Float32Array, position: number, grid: BoundaryGrid, cells: Int32Array, flags: Uint32Array, flagCount: number, firstElement: number): number {
  const inverse = position === 0 ? grid.inverseStepAtZero : grid.inverseStep;
  let count = flagCount;
  for (let channel = 0; channel < grid.channels; channel++) {
    const scaled = (row[channel] as number) * (inverse[channel] as number);
    const cell = Math.floor(scaled);
    // One comparison refuses NaN, infinities and overflow alike; the message is only built then.
    if (!(cell >= -CELL_LIMIT && cell < CELL_LIMIT)) throw badValue(row[channel] as number, channel, position);
    cells[channel] = cell;
    const above = scaled - cell;
    if (above < EDGE) flags[count++] = (firstElement + channel) * 2;
    else if (above > 1 - EDGE) flags[count++] = (firstElement + channel) * 2 + 1;
  }
  return count;
}

/**
 * Cells of an auditor's row under the worker's flags (SPEC C4): an element that the worker flagged takes the published side
 * of its nearest edge, if it lies within 2 tau of it. `flagAt` holds, per channel, 0 none, 1 above the edge, 2 below the edge.
 */
export function cellsUnderHints(row: Float32Array, position: number, grid: BoundaryGrid, flagAt: Uint8Array, cells: Int32Array): void {
  const inverse = position === 0 ? grid.inverseStepAtZero : grid.inverseStep;
  for (let channel = 0; channel < grid.channels; channel++) {
    const scaled = (row[channel] as number) * (inverse[channel] as number);
    if (!isCell(Math.floor(scaled))) throw badValue(row[channel] as number, channel, position);
    const cell = cellUnderHint(scaled, flagAt[channel] as number);
    if (cell !== cell) {
      throw new CommitmentError('hint-too-far', `channel ${channel} at position ${position} is flagged as near a cell edge but lies ${Math.abs(scaled - Math.round(scaled))} cells from it (at most ${FLAG_REACH})`, { fault: 'peer', fields: { channel, position } });
    }
    cells[channel] = cell;
  }
}

/** True for what int32 holds; false for NaN, infinities and overflow alike (SPEC C2). */
export const isCell = (cell: number): boolean => cell >= -CELL_LIMIT && cell < CELL_LIMIT;

/**
 * Cell of one element, `scaled` in cells, under its flag: 0 none, 1 above the edge, 2 below the edge (SPEC C4). NaN when it is
 * flagged and lies more than 2 tau from its nearest edge.
 */
export function cellUnderHint(scaled: number, flag: number): number {
  if (flag === 0) return Math.floor(scaled);
  const edge = Math.round(scaled);
  if (Math.abs(scaled - edge) > FLAG_REACH) return NaN;
  return flag === 1 ? edge : edge - 1;
}

function badValue(value: number, channel: number, position: number): CommitmentError {
  const code = Number.isFinite(value) ? 'cell-overflow' : 'non-finite';
  return new CommitmentError(code, `channel ${channel} at position ${position} is ${value}, which has no cell; the stage is not fit to serve this model`, { fault: 'platform', fields: { channel, position, value } });
}
