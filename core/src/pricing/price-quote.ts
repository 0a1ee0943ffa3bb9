import { price } from './price.ts';
import { WHOLE_BASIS_POINTS } from './price-book.ts';
import { hoursAt } from './price-hours.ts';
import type { Rates } from './price.ts';
import type { PriceBook, Priority, ServiceClass, TokenPrices } from './price-book.ts';

/** What a price is asked for. */
export interface PriceWish {
  readonly modelId: string;
  readonly promptTokens: number;
  /** The longest answer. */
  readonly maxTokens: number;
  readonly serviceClass: ServiceClass;
  readonly priority: Priority;
}

/** A step of a price: what it adds, or takes off, in base units. `factor` in basis points; 10,000 of the base. */
export interface PriceLine {
  readonly what: 'base' | 'demand' | 'hours' | 'class' | 'priority';
  readonly factor: number;
  readonly amount: bigint;
  /** Name of the hours or of the class. */
  readonly name?: string;
}

/** A price and how it comes about. */
export interface PriceQuote extends PriceWish {
  /** What a plan is signed with. */
  readonly rates: Rates;
  /** The most that it can cost: prompt and `maxTokens`, base units. Sum of the lines, and of the split. */
  readonly total: bigint;
  readonly lines: readonly PriceLine[];
  readonly split: { readonly workers: bigint; readonly fee: bigint };
}

/**
 * Prices a request (SPEC M13): base prices of the model, times each factor in turn. After each, the price of a token is rounded down to base units, but not to 0. Equal
 * input, equal output: `demand` is the factor in basis points, 10,000 where it plays no part, `at` epoch milliseconds.
 */
export function quotePrice(book: PriceBook, wish: PriceWish, { demand, at }: { readonly demand: number; readonly at: number }): PriceQuote {
  const { promptTokens, maxTokens, serviceClass, priority } = wish;
  const terms = book.classes[serviceClass];
  const hours = hoursAt(book.hours, at);
  const base = book.models.get(wish.modelId) ?? book.prices;
  const totalOf = (of: TokenPrices): bigint => price({ ...of, feeBasisPoints: 0n }, promptTokens, maxTokens);
  const lines: PriceLine[] = [{ what: 'base', factor: WHOLE_BASIS_POINTS, amount: totalOf(base) }];
  let prices: TokenPrices = base;
  const step = (what: PriceLine['what'], factor: number, name?: string): void => {
    const next = { promptToken: times(prices.promptToken, factor), generatedToken: times(prices.generatedToken, factor) };
    lines.push({ what, factor, amount: totalOf(next) - totalOf(prices), ...(name !== undefined && { name }) });
    prices = next;
  };
  step('demand', demand);
  step('hours', hours?.factor ?? WHOLE_BASIS_POINTS, hours?.name);
  step('class', terms.factor, serviceClass);
  step('priority', book.priorities[priority], priority);
  const rates: Rates = { promptToken: prices.promptToken, generatedToken: prices.generatedToken, feeBasisPoints: BigInt(terms.feeBasisPoints) };
  const total = totalOf(prices);
  const fee = (total * rates.feeBasisPoints) / BigInt(WHOLE_BASIS_POINTS);
  return { ...wish, rates, total, lines, split: { workers: total - fee, fee } };
}

function times(amount: bigint, factor: number): bigint {
  const product = (amount * BigInt(factor)) / BigInt(WHOLE_BASIS_POINTS);
  return product === 0n && amount > 0n ? 1n : product;
}
