import { expect, it } from 'vitest';
import { leastRate, mostRate } from './caught-rate.ts';

it('bounds are those of Clopper and Pearson at 95 %, one-sided', () => {
  // All of n: the bound is 0.05^(1/n). The others: bisection of the binomial sum in Python's math.lgamma.
  expect(leastRate(300, 300)).toBeCloseTo(0.05 ** (1 / 300), 9);
  expect(mostRate(0, 30_000)).toBeCloseTo(1 - 0.05 ** (1 / 30_000), 9);
  expect(mostRate(2, 2_824)).toBeCloseTo(0.00222769, 7);
  expect(leastRate(297, 300)).toBeCloseTo(0.9743586, 6);
});

it('nothing tried shows nothing', () => {
  expect(leastRate(0, 0)).toBe(0);
  expect(mostRate(3, 3)).toBe(1);
});
