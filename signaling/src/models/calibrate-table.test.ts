import { expect, test } from 'vitest';
import { calibrationTable } from './calibrate-table.ts';

test('errors are printed as powers of two, stage by stage, with the tolerances that follow', () => {
  const exponents = new Int8Array(8);
  const table = { version: 2, hidden: 2, exponents, exponentsAtZero: exponents, tauExponent: -12, tauExponentAtZero: -11, deltaExponent: -8 };
  const stage = { from: 0, to: 2, boundary: 3, honest: { p50: 2 ** -21, p999: 2 ** -18, max: 2 ** -16.5 }, honestAtZero: 0, requantised: { p50: 2 ** -7, p999: 2 ** -4, max: 0.25 }, requantisedPast8Tau: 0.875 };
  expect(calibrationTable(table, { stages: [stage], positions: 345, honestMax: 2 ** -16, honestMaxAtZero: 2 ** -13.5, logitDifference: 2 ** -13, logitRms: 9.5 })).toMatchInlineSnapshot(`
    "Calibration version 2, errors in units of a channel's scale over 345 positions
    layers  boundary  honest p50    p99.9      max  max at 0  8 bits p50   p99.9     max  past 8 tau
       0-1         3     2^-21.0  2^-18.0  2^-16.5         0      2^-7.0  2^-4.0  2^-2.0      87.5 %
    largest honest error 2^-16.0, at position 0 2^-13.5: tau 2^-12, at position 0 2^-11
    largest honest logit difference 2^-13.0 of logits of rms 9.50: delta 2^-8
    refusals: none"
  `);
});
