import fc from 'fast-check';
import { expect, it } from 'vitest';
import { creditsFor, LAUNCH_RATE, tokensOf } from './rate.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`rate: seed ${seed}`);

it('X1: at the launch rate a credit is a token', () => {
  expect([tokensOf(7n, LAUNCH_RATE), creditsFor(7n, LAUNCH_RATE)]).toEqual([7n, 7n]);
});

it('X1: what was paid is never worth more than what was earned, and is worth what was paid, at any rate', () => {
  const part = fc.bigInt(1n, 10n ** 6n);
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 24n), part, part, (earned, tokens, credits) => {
      const rate = { tokens, credits };
      const paid = tokensOf(earned, rate);
      expect(creditsFor(paid, rate)).toBeLessThanOrEqual(earned);
      expect(tokensOf(creditsFor(paid, rate), rate)).toBe(paid);
    }),
    { seed },
  );
});
