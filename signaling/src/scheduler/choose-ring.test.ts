import { expect, it } from 'vitest';
import { chooseRing } from './choose-ring.ts';

const ring = (number: number, totalMs = 40, jobs = 0) => ({ number, totalMs, jobs });

it('takes the ring that finishes an answer first, and of equals the idle one, then the oldest', () => {
  expect(chooseRing([ring(0, 50), ring(1, 40)])?.number).toBe(1);
  expect(chooseRing([ring(0, 40, 1), ring(1, 40)])?.number).toBe(1);
  expect(chooseRing([ring(2), ring(1), ring(3)])?.number).toBe(1);
  expect(chooseRing([])).toBeUndefined();
});

it('shares a quick ring rather than take a slow one, until sharing costs more', () => {
  expect(chooseRing([ring(0, 40, 1), ring(1, 80)])?.number).toBe(0);
  expect(chooseRing([ring(0, 40, 3), ring(1, 80)])?.number).toBe(1);
});

it('takes a preferred ring while one has room', () => {
  expect(chooseRing([ring(0, 40), ring(1, 80, 2)], ({ number }) => number === 1)?.number).toBe(1);
  expect(chooseRing([ring(0, 40)], ({ number }) => number === 1)?.number).toBe(0);
});
