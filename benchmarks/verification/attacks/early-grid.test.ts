import { expect, it } from 'vitest';
import { gridTellsApart } from './early-grid.ts';

const apart = (a: number, b: number): boolean => gridTellsApart(Float32Array.of(a), Float32Array.of(b));

it('the early grid splits equal work at its boundaries, at zero too, and does not see past its clamp', () => {
  expect(apart(0.5, 0.5)).toBe(false);
  expect(apart(1 / 128 - 1e-4, 1 / 128 + 1e-4)).toBe(true);
  expect(apart(-1e-9, 1e-9)).toBe(true);
  expect(apart(1_500, 150)).toBe(false);
  expect(apart(NaN, 0)).toBe(false);
});

it('ties go to the even multiple, as in the numpy that it comes from', () => {
  // 8.5 / 64 and 9.5 / 64, exact in half precision: numpy.round gives 8 and 10.
  expect(apart(8.5 / 64, 8 / 64)).toBe(false);
  expect(apart(9.5 / 64, 10 / 64)).toBe(false);
});
