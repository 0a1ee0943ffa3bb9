import { randomBytes } from 'node:crypto';
import { FIXED_BOOK } from '@ciro/core/pricing/price-book.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { refuseField } from '../intake/intake-error.ts';
import { STANDARD_BID } from './bid.ts';
import { PriceDesk } from './price-desk.ts';
import type { Load } from '@ciro/core/pricing/demand.ts';
import type { PriceBook } from '@ciro/core/pricing/price-book.ts';
import type { PriceQuote, PriceWish } from '@ciro/core/pricing/price-quote.ts';
import type { Bid } from './bid.ts';
import type { PriceConditions } from './price-desk.ts';

/** A quote holds so long: time to show it to a person and to be answered. */
export const QUOTE_VALID_MS = 120_000;
/** Quotes of one account that hold at a time; the oldest gives way. */
export const MAX_QUOTES_OF_ACCOUNT = 100;
/** Quotes in all, some 300 bytes each; the oldest gives way. */
export const MAX_QUOTES = 20_000;
const QUOTE_ID_BYTES = 16;

/** A request as its price depends on it. */
export type Priced = Pick<PriceWish, 'modelId' | 'promptTokens' | 'maxTokens'>;

/** A price that holds for a while for one account. */
export interface KeptQuote {
  readonly id: string;
  readonly account: string;
  readonly price: PriceQuote;
  readonly conditions: PriceConditions;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Prices, and the quotes that hold (SPEC M13 to M15). Quotes end with the process: who asks with one of before is told so. */
export class Market {
  readonly #desk: PriceDesk;
  readonly #now: () => number;
  /** The one that expires first is first. */
  readonly #quotes = new Map<string, KeptQuote>();

  constructor(options: { readonly book?: PriceBook; readonly load: () => Load; readonly now: () => number }) {
    this.#desk = new PriceDesk(options.book ?? FIXED_BOOK, options);
    this.#now = options.now;
  }

  /** Makes an offer to an account and keeps it while it holds. */
  quote(wanted: Priced, { serviceClass, priority }: Bid, account: string): KeptQuote {
    const conditions = this.#desk.conditions();
    const price = this.#desk.price({ ...wanted, serviceClass, priority }, conditions);
    const id = `quote-${randomBytes(QUOTE_ID_BYTES).toString('hex')}`;
    this.#forgetOld(account);
    const quote = { id, account, price, conditions, expiresAt: this.#now() + QUOTE_VALID_MS };
    this.#quotes.set(id, quote);
    return quote;
  }

  /** The price of a request, by the quote it names if it names one. Throws `quote_unknown`, `quote_mismatch`, `price_above_maximum`. */
  price(wanted: Priced, bid: Bid = STANDARD_BID, account: string): PriceQuote {
    const { serviceClass, priority, maxPrice } = bid;
    const wish: PriceWish = { ...wanted, serviceClass, priority };
    const quote = bid.quote === undefined ? undefined : this.#quoteFor(bid.quote, wish, account);
    const price = this.#desk.price(wish, quote?.conditions ?? this.#desk.conditions());
    if (maxPrice === undefined || price.total <= BigInt(maxPrice)) return price;
    const message = `this request may cost up to ${formatCredits(price.total)} credits (${price.total} base units), and max_price is ${maxPrice} base units; raise it, lower max_tokens, or ask for service_class spot`;
    throw refuseField('price_above_maximum', 'ciro.max_price', message, { price: String(price.total), maxPrice });
  }

  #quoteFor(id: string, wish: PriceWish, account: string): KeptQuote {
    const quote = this.#quotes.get(id);
    if (quote === undefined || quote.account !== account || quote.expiresAt <= this.#now()) {
      throw refuseField('quote_unknown', 'ciro.quote', `quote ${id} does not hold for this key; a quote holds for ${QUOTE_VALID_MS / 1000} s: ask for another one by POST /v1/quotes`);
    }
    const { price } = quote;
    for (const field of ['modelId', 'serviceClass', 'priority'] as const) {
      if (price[field] !== wish[field]) throw refuseField('quote_mismatch', 'ciro.quote', `quote ${id} is for ${field} ${price[field]}, and the request says ${wish[field]}; send the request that was quoted`);
    }
    for (const field of ['promptTokens', 'maxTokens'] as const) {
      if (wish[field] > price[field]) throw refuseField('quote_mismatch', 'ciro.quote', `quote ${id} is for up to ${price[field]} ${field}, and the request has ${wish[field]}; send the request that was quoted`);
    }
    return quote;
  }

  #forgetOld(account: string): void {
    const now = this.#now();
    for (const [id, { expiresAt }] of this.#quotes) {
      if (expiresAt > now && this.#quotes.size < MAX_QUOTES) break;
      this.#quotes.delete(id);
    }
    const own = [...this.#quotes.values()].filter((quote) => quote.account === account);
    for (const { id } of own.slice(0, Math.max(0, own.length + 1 - MAX_QUOTES_OF_ACCOUNT))) this.#quotes.delete(id);
  }
}
