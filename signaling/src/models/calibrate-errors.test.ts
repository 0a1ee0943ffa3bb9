import { expect, test } from 'vitest';
import { BoundaryErrors } from './calibrate-errors.ts';
import { deltaExponentFrom, powerOfTwoFrom, tauExponentFrom } from './calibrate-limits.ts';
import { requantised } from './calibrate-requantise.ts';

const EXPONENTS = { exponents: Int8Array.of(0, 1), exponentsAtZero: Int8Array.of(10, 10) };

test('errors are in units of each channel\'s scale, position 0 apart', () => {
  const errors = new BoundaryErrors(2, EXPONENTS);
  errors.add([Float32Array.of(1024, 0, 1, 2, 1, 2)], [Float32Array.of(0, 0, 1.5, 2, 1, 1)]);
  expect({ past: errors.max, atZero: errors.maxAtZero }).toEqual({ past: 0.5, atZero: 1 });
  expect(errors.quantiles()).toEqual({ p50: 0.5, p999: 0.5, max: 0.5 });
  expect(errors.shareAbove(0.25)).toBe(0.5);
});

test('a run that was measured for fewer positions is compared as far as it goes', () => {
  const errors = new BoundaryErrors(2, EXPONENTS);
  errors.add([Float32Array.of(0, 0, 9, 9)], [Float32Array.of(512, 0)]);
  expect({ past: errors.max, atZero: errors.maxAtZero, quantiles: errors.quantiles() }).toEqual({ past: 0, atZero: 0.5, quantiles: { p50: 0, p999: 0, max: 0 } });
});

test('a power of two is at or above its value', () => {
  expect([0.25, 0.26, 1, 0, 3e-4].map(powerOfTwoFrom)).toEqual([-2, -1, 0, -24, -11]);
});

test('tau is the power of two at or above four times the largest honest error, and at least 2^-12 (PROTOCOL 5)', () => {
  expect([0, 2 ** -14, 2 ** -13.9, 2 ** -9].map(tauExponentFrom)).toEqual([-12, -12, -11, -7]);
});

test('delta is the power of two at or above four times the largest logit difference, and 2^-15 of the logits (A7)', () => {
  expect(deltaExponentFrom({ difference: 1e-6, rms: 9.5 })).toBe(-11);
  expect(deltaExponentFrom({ difference: 0.01, rms: 9.5 })).toBe(-4);
  expect(() => deltaExponentFrom({ difference: 100, rms: 9.5 })).toThrow('a tolerance of 400 in the logits');
  expect(() => deltaExponentFrom({ difference: NaN, rms: 9.5 })).toThrow('a tolerance of NaN in the logits');
});

test('rounding to 8 bits moves matrices by at most half a step of their block, and leaves gains alone', () => {
  const values = Float32Array.from({ length: 256 }, (_, i) => Math.fround(((i * 37) % 101) / 50 - 1));
  const rounded = requantised(8)(values.slice(), [2, 128]);
  const worst = rounded.reduce((most, value, i) => Math.max(most, Math.abs(value - (values[i] ?? 0))), 0);
  expect(worst).toBeGreaterThan(0.001);
  expect(worst).toBeLessThanOrEqual(0.5 / 127 + 1e-6);
  expect(requantised(8)(values.slice(), [256])).toEqual(values);
});

test('weights that lie on the grid of a Q8_0 file move all the same', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : 0.3) * (((i * 29) % 255) - 127));
  values[0] = 127;
  values[32] = 0.3 * 127;
  expect(requantised(8)(values.slice(), [1, 64])).not.toEqual(values);
});
