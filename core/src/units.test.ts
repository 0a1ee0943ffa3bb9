import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, CREDIT_DECIMALS, formatCredits } from './units.ts';

it('a credit has the 18 decimals of the token it settles in (SPEC M1)', () => {
  expect(BASE_UNITS_PER_CREDIT).toBe(10n ** 18n);
  expect(CREDIT_DECIMALS).toBe(18);
});

const shown: readonly (readonly [baseUnits: bigint, digits: number | undefined, text: string])[] = [
  [0n, undefined, '0'],
  [BASE_UNITS_PER_CREDIT, undefined, '1'],
  [12n * BASE_UNITS_PER_CREDIT + BASE_UNITS_PER_CREDIT / 2n, undefined, '12.5'],
  [1n, undefined, '0'],
  [1n, 18, '0.000000000000000001'],
  [-BASE_UNITS_PER_CREDIT / 4n, undefined, '-0.25'],
  [1_999_999_999_999_999_999n, 2, '1.99'],
  [10n ** 40n, undefined, '1' + '0'.repeat(22)],
];

it.each(shown)('shows %d base units with at most %s digits, rounded towards zero, as %s', (baseUnits, digits, text) => {
  expect(formatCredits(baseUnits, digits)).toBe(text);
});
