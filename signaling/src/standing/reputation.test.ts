import fc from 'fast-check';
import { expect, it } from 'vitest';
import { medianOf, REPUTATION_WEIGHTS, reputationOf } from './reputation.ts';
import type { Reputable } from './reputation.ts';

const SEED = 20_260;
const newcomer: Reputable = { jobsServed: 0, jobsFailed: 0, successfulAudits: 0, failedAudits: 0, uptime: 1, speed: 1, demoted: false };
const of = (change: Partial<Reputable>): number => reputationOf({ ...newcomer, ...change });

it('the weights make one', () => {
  expect(Object.values(REPUTATION_WEIGHTS).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1);
});

it('a newcomer stands between one with a good record and one with a bad one', () => {
  expect(of({})).toBe(0.65);
  expect(of({ jobsServed: 500, successfulAudits: 20 })).toBeGreaterThan(0.95);
  expect(of({ jobsServed: 10, jobsFailed: 10 })).toBe(0.65);
  expect(of({ jobsFailed: 10, failedAudits: 2 })).toBeLessThan(0.4);
});

it('each part counts by its weight: work that fails, audits that fail, hours away, half the speed', () => {
  expect(of({ jobsServed: 8, jobsFailed: 0 }) - of({ jobsServed: 8, jobsFailed: 8 })).toBeCloseTo(0.35 * (9 / 10 - 9 / 18), 3);
  expect(of({ successfulAudits: 8 }) - of({ successfulAudits: 8, failedAudits: 2 })).toBeCloseTo(0.35 * (9 / 10 - 9 / 18), 3);
  expect(of({}) - of({ uptime: 0.2 })).toBeCloseTo(0.15 * 0.8, 3);
  expect(of({}) - of({ speed: 0.5 })).toBeCloseTo(0.15 * 0.5, 3);
});

it('being quicker than most earns nothing more; a node that is not connected is judged by the rest', () => {
  expect(of({ speed: 9 })).toBe(of({ speed: 1 }));
  expect(of({ speed: null })).toBeCloseTo((0.35 * 0.5 + 0.35 * 0.5 + 0.15) / 0.85, 3);
});

it('A8: a demoted node has none', () => {
  expect(of({ jobsServed: 1_000, successfulAudits: 100, demoted: true })).toBe(0);
});

it(`it lies in 0 … 1, rises with what goes well and falls with what does not (seed ${SEED})`, () => {
  const facts = fc.record({ jobsServed: fc.nat(1e6), jobsFailed: fc.nat(1e6), successfulAudits: fc.nat(1e5), failedAudits: fc.nat(1e5), uptime: fc.double({ min: 0, max: 1, noNaN: true }), speed: fc.option(fc.double({ min: 0, max: 50, noNaN: true })), demoted: fc.boolean() });
  fc.assert(
    fc.property(facts, (fact) => {
      const now = reputationOf(fact);
      expect(now).toBeGreaterThanOrEqual(0);
      expect(now).toBeLessThanOrEqual(1);
      expect(reputationOf({ ...fact, jobsServed: fact.jobsServed + 5 })).toBeGreaterThanOrEqual(now);
      expect(reputationOf({ ...fact, successfulAudits: fact.successfulAudits + 5 })).toBeGreaterThanOrEqual(now);
      expect(reputationOf({ ...fact, jobsFailed: fact.jobsFailed + 5 })).toBeLessThanOrEqual(now);
      expect(reputationOf({ ...fact, failedAudits: fact.failedAudits + 5 })).toBeLessThanOrEqual(now);
    }),
    { seed: SEED },
  );
});

it('the median is the middle, or between the two middle ones', () => {
  expect([medianOf([]), medianOf([3]), medianOf([9, 1]), medianOf([5, 1, 2])]).toEqual([null, 3, 5, 2]);
});
