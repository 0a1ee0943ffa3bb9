import { expect, it } from 'vitest';
import { slopeOf } from './slope.ts';

it('is the rise of a line, whatever lies evenly about it', () => {
  expect(slopeOf([[0, 5], [10, 25], [20, 45]])).toBeCloseTo(2);
  expect(slopeOf([[0, 1], [0, -1], [10, 31], [10, 29]])).toBeCloseTo(3);
  expect(slopeOf([[0, 7], [1, 7], [9, 7]])).toBe(0);
});

it('is none for one place', () => {
  expect(slopeOf([[3, 4]])).toBeNaN();
});
