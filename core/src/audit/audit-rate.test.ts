import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { auditRate, deterrenceMargin, jobAuditRate, MIN_AUDIT_RATE, PROBATION_JOBS, withheldShare } from './audit-rate.ts';

const SEED = 20_251_121;
const LAST = 1_000;
const all = Array.from({ length: LAST }, (_, index) => index + 1);
const BAR = 2;

it('A2: the rate is 4 / n of what passed, all at first and 2 % at last', () => {
  expect([0, 1, 4, 5, 8, 100, 199, 200, 201, 10_000].map(auditRate)).toEqual([1, 1, 1, 0.8, 0.5, 0.04, 4 / 199, 0.02, 0.02, 0.02]);
  for (const n of all) expect(auditRate(n)).toBeLessThanOrEqual(auditRate(n - 1));
  expect(MIN_AUDIT_RATE).toBe(0.02);
});

it('M7: half of a credit is kept back until 200 stage-jobs have passed and the bond is worth 99 of them', () => {
  const full = { credit: 10n, bond: 990n };
  expect([0, 1, PROBATION_JOBS - 1, PROBATION_JOBS, 5_000].map((passed) => withheldShare(passed, full))).toEqual([5_000n, 5_000n, 5_000n, 0n, 0n]);
  expect(withheldShare(5_000, { credit: 10n, bond: 989n })).toBe(5_000n);
});

it('A2: a credit that the bond does not outweigh is audited more often, whatever the record', () => {
  fc.assert(
    fc.property(fc.nat(2_000), fc.bigInt(1n, 10n ** 24n), fc.bigInt(0n, 10n ** 26n), (passed, credit, bond) => {
      const rate = jobAuditRate(passed, { credit, bond });
      expect(rate).toBeGreaterThanOrEqual(auditRate(passed));
      if (rate < 1) expect(rate * Number(credit + bond)).toBeGreaterThanOrEqual(1.999_999 * Number(credit));
    }),
    { seed: SEED },
  );
  // Jobs of one size: half of each of the first 200 is withheld, and the record's own rate is enough.
  for (let n = 5; n <= 400; n++) expect(jobAuditRate(n, { credit: 10n, bond: 5n * BigInt(Math.min(n, PROBATION_JOBS)) })).toBeCloseTo(auditRate(n), 2);
  expect(jobAuditRate(1_000, { credit: 0n, bond: 0n })).toBe(auditRate(1_000));
});

it('A2: a cheat loses at least twice what it gains, at every n from 0 to 1,000', () => {
  let least = { n: 0, margin: deterrenceMargin(0) };
  for (const n of all) if (deterrenceMargin(n) < least.margin) least = { n, margin: deterrenceMargin(n) };
  expect(deterrenceMargin(0)).toBeGreaterThanOrEqual(BAR);
  for (const n of all) expect(deterrenceMargin(n), `n = ${n}`).toBeGreaterThanOrEqual(BAR);
  console.info(`deterrence margin: least ${least.margin} at n = ${least.n}; at n = 1, 4, 50, 199, 200, 1000: ${[1, 4, 50, 199, 200, 1_000].map((n) => deterrenceMargin(n).toFixed(3)).join(' ')}`);
});

it('A2: the margin holds when one audited unit in a hundred goes unnoticed', () => {
  for (const n of all) expect(deterrenceMargin(n, { power: 0.99 }), `n = ${n}`).toBeGreaterThanOrEqual(BAR);
});

it('A2: without the cost of coming back, what is withheld alone gives 2 at every n but the first, where every job is audited', () => {
  for (const n of all.slice(1)) expect(deterrenceMargin(n, { reentry: 0 }), `n = ${n}`).toBeGreaterThanOrEqual(BAR);
  expect(deterrenceMargin(1, { reentry: 0 })).toBe(1.5);
  expect(auditRate(1)).toBe(1);
});

it('A2: at the rewards that design reckons with, 1.2 times the cost, the margin is 2.4 from n = 2 on', () => {
  for (const n of all.slice(1)) expect(deterrenceMargin(n, { reentry: 0, gain: 1 / 1.2 }), `n = ${n}`).toBeGreaterThanOrEqual(2.4);
});
