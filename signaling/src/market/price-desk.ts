import { demandAt } from '@ciro/core/pricing/demand.ts';
import { WHOLE_BASIS_POINTS } from '@ciro/core/pricing/price-book.ts';
import { quotePrice } from '@ciro/core/pricing/price-quote.ts';
import type { DemandState, Load } from '@ciro/core/pricing/demand.ts';
import type { PriceBook } from '@ciro/core/pricing/price-book.ts';
import type { PriceQuote, PriceWish } from '@ciro/core/pricing/price-quote.ts';

/** The load is looked at so often: it takes a walk over all workers. */
const LOAD_EVERY_MS = 1_000;

/** What a price depends on besides the request: the demand's factor in basis points, and the time, epoch milliseconds. */
export interface PriceConditions {
  readonly demand: number;
  readonly at: number;
}

/** Prices requests by the book, as the load is now (SPEC M13, M14). */
export class PriceDesk {
  readonly #book: PriceBook;
  readonly #load: () => Load;
  readonly #now: () => number;
  #demand: DemandState | undefined;
  #looked = -Infinity;

  /** `now`: epoch milliseconds. */
  constructor(book: PriceBook, { load, now }: { readonly load: () => Load; readonly now: () => number }) {
    this.#book = book;
    this.#load = load;
    this.#now = now;
  }

  conditions(): PriceConditions {
    const { demand } = this.#book;
    const at = this.#now();
    if (demand === undefined) return { demand: WHOLE_BASIS_POINTS, at };
    if (Math.abs(at - this.#looked) >= LOAD_EVERY_MS) {
      this.#demand = demandAt(demand, this.#demand, this.#load(), at);
      this.#looked = at;
    }
    return { demand: this.#demand?.factor ?? WHOLE_BASIS_POINTS, at };
  }

  /** The price of a request under the conditions of now, or under those of a quote. */
  price(wish: PriceWish, conditions: PriceConditions): PriceQuote {
    return quotePrice(this.#book, wish, conditions);
  }
}
