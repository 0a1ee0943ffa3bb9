/**
 * Money is a bigint count of base units (SPEC M1). One credit is one generated token of the default model at launch
 * and one CIRO at the launch rate, so it has the token's 18 decimals: no conversion at settlement.
 */
export const CREDIT_DECIMALS = 18;
export const BASE_UNITS_PER_CREDIT = 10n ** BigInt(CREDIT_DECIMALS);

/** What a new account is given from the community pool (SPEC M6). */
export const TRIAL_CREDITS = 2_000n;

/** Shows base units as credits with up to `digits` decimals, rounded towards zero: `12.5`. For people, never for arithmetic. */
export function formatCredits(baseUnits: bigint, digits = 6): string {
  const sign = baseUnits < 0n ? '-' : '';
  const size = baseUnits < 0n ? -baseUnits : baseUnits;
  const fraction = (size % BASE_UNITS_PER_CREDIT).toString().padStart(CREDIT_DECIMALS, '0').slice(0, digits).replace(/0+$/, '');
  return `${sign}${size / BASE_UNITS_PER_CREDIT}${fraction === '' ? '' : `.${fraction}`}`;
}
