import { BASE_UNITS_PER_CREDIT } from '../units.ts';

/** Prices of one model, in base units a token (SPEC M2). Data, not code: a quote carries the rates it was made with. */
export interface Rates {
  /** A prompt position costs a fraction of a generated one: prefill runs 8 positions in the time of three (measured). */
  readonly promptToken: bigint;
  readonly generatedToken: bigint;
  /** Fee in basis points of the debit. */
  readonly feeBasisPoints: bigint;
}

export const LAUNCH_RATES: Rates = {
  promptToken: BASE_UNITS_PER_CREDIT / 4n,
  generatedToken: BASE_UNITS_PER_CREDIT,
  feeBasisPoints: 250n,
};

/** Work of one stage that a job pays for: layers held times positions committed. */
export interface StageWork {
  readonly worker: string;
  readonly layers: number;
  readonly positions: number;
}

/** A debit and where each base unit of it goes: debit = fee + sum of credits, always (SPEC M3). */
export interface Charge {
  readonly debit: bigint;
  readonly fee: bigint;
  readonly credits: readonly { readonly worker: string; readonly amount: bigint }[];
}

/** Base units for a prompt and an answer of the given token counts; with `maxTokens` as answer it is the amount to hold. */
export function price(rates: Rates, promptTokens: number, generatedTokens: number): bigint {
  return rates.promptToken * BigInt(promptTokens) + rates.generatedToken * BigInt(generatedTokens);
}

/**
 * Splits the price of a job over the stages that did it, by layers times positions (SPEC M3). What integer division leaves
 * over goes to the fee, so no unit is lost or made. With no work at all nothing is charged.
 */
export function charge(rates: Rates, promptTokens: number, generatedTokens: number, work: readonly StageWork[]): Charge {
  const weights = work.map((stage) => BigInt(stage.layers) * BigInt(stage.positions));
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total === 0n) return { debit: 0n, fee: 0n, credits: [] };
  const debit = price(rates, promptTokens, generatedTokens);
  const pot = debit - (debit * rates.feeBasisPoints) / 10_000n;
  const credits = work.map((stage, index) => ({ worker: stage.worker, amount: (pot * (weights[index] ?? 0n)) / total }));
  return { debit, fee: debit - credits.reduce((sum, credit) => sum + credit.amount, 0n), credits };
}
