import { formatCredits } from '@ciro/core/units.ts';
import type { PriceQuote } from '@ciro/core/pricing/price-quote.ts';

/** A price as the API shows it, and as it is kept: amounts in base units as text, factors in basis points. */
export interface PriceBody {
  readonly service_class: string;
  readonly priority: string;
  /** The most that it can cost: the prompt and `max_tokens`. What is answered is charged, at the same rates. */
  readonly total: string;
  /** The same in credits, for people. */
  readonly credits: string;
  readonly rates: { readonly prompt_token: string; readonly generated_token: string; readonly fee_basis_points: string };
  /** Sum of the amounts: `total`. */
  readonly lines: readonly { readonly what: string; readonly name?: string; readonly factor_basis_points: number; readonly amount: string }[];
  readonly split: { readonly workers: string; readonly fee: string };
}

export function priceBody({ serviceClass, priority, total, rates, lines, split }: PriceQuote): PriceBody {
  return {
    service_class: serviceClass,
    priority,
    total: String(total),
    credits: formatCredits(total),
    rates: { prompt_token: String(rates.promptToken), generated_token: String(rates.generatedToken), fee_basis_points: String(rates.feeBasisPoints) },
    lines: lines.map(({ what, name, factor, amount }) => ({ what, ...(name !== undefined && { name }), factor_basis_points: factor, amount: String(amount) })),
    split: { workers: String(split.workers), fee: String(split.fee) },
  };
}
