import { expect, it } from 'vitest';
import { ProbeLoss } from './probe-loss.ts';

it('says nothing before a few probes were sent, and forgives the one that is on its way', () => {
  const loss = new ProbeLoss();
  expect(loss.add({ sent: 10, answered: 7 }, 0)).toBeUndefined();
  expect(loss.add({ sent: 13, answered: 10 }, 5_000)).toBeUndefined();
  expect(loss.add({ sent: 20, answered: 16 }, 10_000)).toBe(0);
});

it('L6: counts what was lost within the last minute, not what was lost when the link was opened', () => {
  const loss = new ProbeLoss();
  loss.add({ sent: 40, answered: 2 }, 0);
  expect(loss.add({ sent: 60, answered: 17 }, 30_000)).toBeCloseTo(4 / 20);
  expect(loss.add({ sent: 80, answered: 37 }, 61_000)).toBeCloseTo(4 / 40);
  expect(loss.add({ sent: 100, answered: 57 }, 100_000)).toBe(0);
});

it('begins anew with another path, whose counts are its own', () => {
  const loss = new ProbeLoss();
  loss.add({ sent: 10, answered: 10 }, 0);
  loss.add({ sent: 30, answered: 20 }, 10_000);
  expect(loss.add({ sent: 5, answered: 5 }, 15_000)).toBeUndefined();
  expect(loss.add({ sent: 15, answered: 15 }, 20_000)).toBe(0);
});
