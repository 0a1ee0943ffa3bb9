/**
 * What a credit is worth in a settlement contract's token (SPEC X1): `tokens` base units for `credits` base units. It belongs to the
 * contract, whose leaves are cumulative: another rate would price what was earned before anew, and needs another contract.
 */
export interface PayoutRate {
  readonly tokens: bigint;
  readonly credits: bigint;
}

/** One credit is one CIRO. */
export const LAUNCH_RATE: PayoutRate = { tokens: 1n, credits: 1n };

/** What so many credits are worth, rounded down to the token's base unit. */
export const tokensOf = (credits: bigint, rate: PayoutRate): bigint => (credits * rate.tokens) / rate.credits;

/** The least that is worth so many tokens: of a worker that was paid all it was owed, never more than it earned. */
export const creditsFor = (tokens: bigint, rate: PayoutRate): bigint => (tokens * rate.credits + rate.tokens - 1n) / rate.tokens;
