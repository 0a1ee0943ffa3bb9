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

it('takes the ring that keeps the beginning of a job, until the rest of it takes longer there than all of it elsewhere', () => {
  const shareOf = ({ number }: { number: number }): number => (number === 1 ? 0.4 : 1);
  expect(chooseRing([ring(0, 40), ring(1, 80)], shareOf)?.number).toBe(1);
  expect(chooseRing([ring(0, 40), ring(1, 80, 2)], shareOf)?.number).toBe(0);
  expect(chooseRing([ring(0, 40)], shareOf)?.number).toBe(0);
});
