import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundaryGrid, CELLS_PER_TAU, cellsOfRow, cellsUnderHints } from './cells.ts';
import type { BoundaryGrid } from './cells.ts';
import type { CalibrationTable } from '../model/manifest.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`cells: seed ${seed}`);

const TAU_EXPONENT = -12;
const TAU_EXPONENT_AT_ZERO = -11;

function table(exponents: readonly number[], atZero: readonly number[], hidden: number): CalibrationTable {
  return { version: 1, hidden, exponents: Int8Array.from(exponents), exponentsAtZero: Int8Array.from(atZero), tauExponent: TAU_EXPONENT, tauExponentAtZero: TAU_EXPONENT_AT_ZERO, deltaExponent: -6 };
}

/** One channel of scale 1: tau = 2^-12 and s = 2^-6. */
const unitGrid = boundaryGrid(table([0], [0], 1), 0);

function judge(row: Float32Array, position: number, grid: BoundaryGrid): { cells: Int32Array; flags: number[] } {
  const cells = new Int32Array(grid.channels);
  const flags = new Uint32Array(grid.channels);
  const count = cellsOfRow(row, position, grid, cells, flags, 0, 0);
  return { cells, flags: [...flags.subarray(0, count)] };
}

function flagsPerChannel(flags: readonly number[], channels: number): Uint8Array {
  const at = new Uint8Array(channels);
  for (const flag of flags) at[flag >>> 1] = (flag & 1) + 1;
  return at;
}

test('C1: a boundary takes its own row of the table, and position 0 the table of position 0', () => {
  const grid = boundaryGrid(table([0, 1, 2, 3], [4, 5, 6, 7], 2), 1);
  const steps = (inverse: Float64Array): number[] => [...inverse].map((value) => 1 / value);
  expect(steps(grid.inverseStep)).toEqual([2 ** (2 + TAU_EXPONENT) * CELLS_PER_TAU, 2 ** (3 + TAU_EXPONENT) * CELLS_PER_TAU]);
  expect(steps(grid.inverseStepAtZero)).toEqual([2 ** (6 + TAU_EXPONENT_AT_ZERO) * CELLS_PER_TAU, 2 ** (7 + TAU_EXPONENT_AT_ZERO) * CELLS_PER_TAU]);
});

test('C1: a boundary that the table does not cover is refused by number', () => {
  expect(() => boundaryGrid(table([0, 0], [0, 0], 2), 1)).toThrow('no boundary 1; it holds 1');
});

test.each([
  ['in the middle of cell 0', 0.5, 0, []],
  ['on the edge, which belongs to the cell above', 3, 3, [0]],
  ['just inside tau above the edge', 3 + 0.99 / 64, 3, [0]],
  ['exactly tau above the edge', 3 + 1 / 64, 3, []],
  ['exactly tau below the edge', 4 - 1 / 64, 3, []],
  ['just inside tau below the edge', 4 - 0.99 / 64, 3, [1]],
  ['below zero', -0.5, -1, []],
  ['just below zero', -0.5 / 64, -1, [1]],
  ['minus zero', -0, 0, [0]],
])('C2: a value %s (%d cells) is in cell %i with flags %j', (_where, scaled, cell, flags) => {
  expect(judge(Float32Array.of(scaled * 2 ** -6), 1, unitGrid)).toEqual({ cells: Int32Array.of(cell), flags });
});

test('C2: flags count elements from the one given and are appended after earlier rows', () => {
  const flags = new Uint32Array(4).fill(7);
  expect(cellsOfRow(Float32Array.of(0), 1, unitGrid, new Int32Array(1), flags, 2, 100)).toBe(3);
  expect([...flags]).toEqual([7, 7, 200, 7]);
});

test.each([
  [Number.NaN, 'non-finite'],
  [Number.POSITIVE_INFINITY, 'non-finite'],
  [Number.NEGATIVE_INFINITY, 'non-finite'],
  [2 ** 25, 'cell-overflow'],
  [-(2 ** 25) - 4, 'cell-overflow'],
])('C2: %d has no cell: %s, by worker and by auditor alike', (value, code) => {
  const row = Float32Array.of(value);
  expect(() => judge(row, 3, unitGrid)).toThrow(expect.objectContaining({ code, fields: { channel: 0, position: 3, value } }));
  expect(() => cellsUnderHints(row, 3, unitGrid, new Uint8Array(1), new Int32Array(1))).toThrow(expect.objectContaining({ code }));
});

const CHANNELS = 32;
const exponent = fc.integer({ min: -20, max: 15 });
/** Rows of any size against their scale: mostly inside, some at edges, some far out. */
const element = fc.oneof(
  fc.double({ min: -200, max: 200, noNaN: true }),
  fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.double({ min: -1.5, max: 1.5, noNaN: true })).map(([edge, taus]) => edge + taus / CELLS_PER_TAU),
  fc.constantFrom(0, -0, 1, -1, 1 / 64, -1 / 64),
);

test('C4: an honest row that differs by less than tau in every element gives the same cells under the hints', () => {
  fc.assert(
    fc.property(
      fc.array(exponent, { minLength: CHANNELS, maxLength: CHANNELS }),
      fc.array(element, { minLength: CHANNELS, maxLength: CHANNELS }),
      fc.array(fc.double({ min: -0.999, max: 0.999, noNaN: true }), { minLength: CHANNELS, maxLength: CHANNELS }),
      fc.constantFrom(0, 1, 40),
      (exponents, elements, noise, position) => {
        const grid = boundaryGrid(table(exponents, exponents, CHANNELS), 0);
        const inverse = position === 0 ? grid.inverseStepAtZero : grid.inverseStep;
        const mine = Float32Array.from(elements, (scaled, channel) => scaled / (inverse[channel] ?? 1));
        // The auditor's row is float32 too: what rounding pushes past tau is not honest noise below tau, so it is left out.
        const theirs = mine.map((value, channel) => {
          const step = 1 / (inverse[channel] ?? 1);
          const other = Math.fround(value + ((noise[channel] ?? 0) * step) / CELLS_PER_TAU);
          return Math.abs(other - value) < step / CELLS_PER_TAU ? other : value;
        });
        const { cells, flags } = judge(mine, position, grid);
        const audited = new Int32Array(CHANNELS);
        cellsUnderHints(theirs, position, grid, flagsPerChannel(flags, CHANNELS), audited);
        expect(audited).toEqual(cells);
      },
    ),
    { seed, numRuns: 2_000 },
  );
});

test('C4: an element that moved by more than 2 tau and a cell edge is another cell, or its hint is refused', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1000, max: 1000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), fc.double({ min: 2.1, max: 60, noNaN: true }), (edge, near, far) => {
      const mine = Float32Array.of((edge + near / CELLS_PER_TAU) * 2 ** -6);
      const { cells, flags } = judge(mine, 1, unitGrid);
      const audited = new Int32Array(1);
      const theirs = Float32Array.of((edge - far / CELLS_PER_TAU) * 2 ** -6);
      // Flagged: too far from the named edge. Rounding to float32 can carry an element to tau itself, unflagged: a different cell.
      if (flags.length > 0) expect(() => cellsUnderHints(theirs, 1, unitGrid, flagsPerChannel(flags, 1), audited)).toThrow(expect.objectContaining({ code: 'hint-too-far' }));
      else {
        cellsUnderHints(theirs, 1, unitGrid, new Uint8Array(1), audited);
        expect(audited[0]).not.toBe(cells[0]);
      }
    }),
    { seed, numRuns: 1_000 },
  );
});

test('C4: a false hint cannot move an element that is not near an edge', () => {
  for (const flag of [1, 2]) {
    expect(() => cellsUnderHints(Float32Array.of(0.5 * 2 ** -6), 9, unitGrid, Uint8Array.of(flag), new Int32Array(1))).toThrow(
      expect.objectContaining({ code: 'hint-too-far', fault: 'peer', fields: { channel: 0, position: 9 } }),
    );
  }
});
