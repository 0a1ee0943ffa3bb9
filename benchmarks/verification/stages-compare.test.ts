import { expect, test } from 'vitest';
import { compareRows, joined, NOTHING_COMPARED } from './stages-compare.ts';
import type { CalibrationTable } from '@ciro/core/model/manifest.ts';

/** Two channels of scale 1 and 4, at position 0 of scale 1024: tau is 2^-12 of that, a cell 2^-6. */
const TABLE: CalibrationTable = { version: 2, hidden: 2, exponents: Int8Array.of(0, 2, 0, 2), exponentsAtZero: Int8Array.of(10, 10, 10, 10), tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -8 };
const TAU = 2 ** -12;

test('equal rows are equal in every way', () => {
  const rows = Float32Array.of(500, 3, 0.7, -2.1);
  expect(compareRows(rows, rows, TABLE, 1)).toEqual({ ...NOTHING_COMPARED, rows: 2, bitEqual: 2 });
});

test('errors are in units of each channel\'s tau, with position 0 apart', () => {
  const found = compareRows(Float32Array.of(500, 3, 0.7, -2.1), Float32Array.of(500 + 512 * TAU, 3, 0.7, -2.1 + 2 * TAU), TABLE, 1);
  expect(found).toMatchObject({ rows: 2, bitEqual: 0, misses: 0 });
  expect(found.worstOfTauAtZero).toBeCloseTo(0.5, 3);
  expect(found.worstOfTau).toBeCloseTo(0.5, 3);
  expect(found.meanOfTau).toBeCloseTo(0.25, 3);
});

test('a difference that hints do not cover is a miss, whichever engine made the hints (SPEC C4)', () => {
  const edge = 45 / 64;
  const [flagged, far] = [edge + 0.5 * TAU, edge - 3 * TAU];
  const position = 1;
  expect(compareRows(Float32Array.of(flagged, 0.5), Float32Array.of(edge - 0.4 * TAU, 0.5), TABLE, 1, position).misses).toBe(0);
  expect(compareRows(Float32Array.of(flagged, 0.5), Float32Array.of(far, 0.5), TABLE, 1, position).misses).toBe(1);
  expect(compareRows(Float32Array.of(far, 0.5), Float32Array.of(flagged, 0.5), TABLE, 1, position).misses).toBe(1);
});

test('a value that has no cell is a miss', () => {
  expect(compareRows(Float32Array.of(NaN, 0.5), Float32Array.of(1, 0.5), TABLE, 1, 1).misses).toBe(1);
});

test('two comparisons join to counts, largest values and the mean of all rows', () => {
  const one = { ...NOTHING_COMPARED, rows: 1, misses: 1, worstOfTau: 3, biasOfTau: 1 };
  const two = { ...NOTHING_COMPARED, rows: 3, bitEqual: 3, worstOfTau: 2, biasOfTau: -1 };
  expect(joined(one, two)).toEqual({ ...NOTHING_COMPARED, rows: 4, bitEqual: 3, misses: 1, worstOfTau: 3, biasOfTau: -0.5 });
});
