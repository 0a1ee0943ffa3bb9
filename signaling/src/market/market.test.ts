import { expect, it } from 'vitest';
import { DEMAND_BOOK } from '@ciro/core/pricing/price-book.ts';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { bidOf, STANDARD_BID } from './bid.ts';
import { MAX_QUOTES_OF_ACCOUNT, Market, QUOTE_VALID_MS } from './market.ts';
import { openMarket } from './open-market.ts';
import { priceBody } from './price-body.ts';
import type { Load } from '@ciro/core/pricing/demand.ts';

/** A Wednesday noon: no hours of the book hold. */
const NOON = Date.UTC(2026, 11, 2, 12);
const WANTED = { modelId: 'm', promptTokens: 40, maxTokens: 10 };
const LAUNCH = price(LAUNCH_RATES, WANTED.promptTokens, WANTED.maxTokens);

function demanding() {
  const clock = { now: NOON };
  const load: { -readonly [Name in keyof Load]: number } = { places: 4, running: 0, queued: 0 };
  return { clock, load, market: new Market({ book: DEMAND_BOOK, load: () => load, now: () => clock.now }) };
}

it('M14: prices follow the load step by step', () => {
  const { clock, load, market } = demanding();
  const now = (): bigint => market.price(WANTED, STANDARD_BID, 'ada').total;
  expect(now()).toBe(LAUNCH);
  Object.assign(load, { running: 4, queued: 100 });
  clock.now += 10_000;
  expect(now()).toBe((LAUNCH * 10_500n) / 10_000n);
  clock.now += 999;
  expect(now()).toBe((LAUNCH * 10_500n) / 10_000n);
  clock.now += 3_600_000;
  expect(now()).toBe(LAUNCH * 3n);
});

it('M15: a quoted price holds for its time, for its account and for no more than was quoted', () => {
  const { clock, load, market } = demanding();
  const quote = market.quote(WANTED, STANDARD_BID, 'ada');
  Object.assign(load, { running: 4, queued: 100 });
  clock.now += QUOTE_VALID_MS - 1;
  const ask = (change: Partial<typeof WANTED> = {}, bid = {}, account = 'ada') => () => market.price({ ...WANTED, ...change }, { ...STANDARD_BID, quote: quote.id, ...bid }, account);
  expect(ask()()).toEqual(quote.price);
  expect(ask({ promptTokens: 4, maxTokens: 1 })().total).toBe(price(LAUNCH_RATES, 4, 1));
  expect(market.price(WANTED, STANDARD_BID, 'ada').total).toBeGreaterThan(quote.price.total);
  expect(ask({ maxTokens: 11 })).toThrow(expect.objectContaining({ code: 'quote_mismatch', message: expect.stringContaining('up to 10 maxTokens, and the request has 11') }));
  expect(ask({ promptTokens: 41 })).toThrow(expect.objectContaining({ code: 'quote_mismatch' }));
  expect(ask({ modelId: 'n' })).toThrow(expect.objectContaining({ code: 'quote_mismatch' }));
  expect(ask({}, { serviceClass: 'spot' })).toThrow(expect.objectContaining({ code: 'quote_mismatch' }));
  expect(ask({}, {}, 'eve')).toThrow(expect.objectContaining({ code: 'quote_unknown' }));
  clock.now++;
  expect(ask()).toThrow(expect.objectContaining({ code: 'quote_unknown' }));
});

it('M15: the oldest quote of an account gives way, those of others stay', () => {
  const { market } = demanding();
  const [first, second, others] = [market.quote(WANTED, STANDARD_BID, 'ada'), market.quote(WANTED, STANDARD_BID, 'ada'), market.quote(WANTED, STANDARD_BID, 'bob')];
  for (let n = 2; n <= MAX_QUOTES_OF_ACCOUNT; n++) market.quote(WANTED, STANDARD_BID, 'ada');
  expect(() => market.price(WANTED, { ...STANDARD_BID, quote: first.id }, 'ada')).toThrow(expect.objectContaining({ code: 'quote_unknown' }));
  expect(market.price(WANTED, { ...STANDARD_BID, quote: second.id }, 'ada').total).toBe(LAUNCH);
  expect(market.price(WANTED, { ...STANDARD_BID, quote: others.id }, 'bob').total).toBe(LAUNCH);
});

it('M15: a price above the most that may be paid is refused, naming both; one unit more is enough', () => {
  const { market } = demanding();
  expect(() => market.price(WANTED, { ...STANDARD_BID, maxPrice: String(LAUNCH - 1n) }, 'ada')).toThrow(expect.objectContaining({ code: 'price_above_maximum', message: expect.stringContaining(`20 credits (${LAUNCH} base units)`), fields: { param: 'ciro.max_price', price: String(LAUNCH), maxPrice: String(LAUNCH - 1n) } }));
  expect(market.price(WANTED, { ...STANDARD_BID, maxPrice: String(LAUNCH) }, 'ada').total).toBe(LAUNCH);
  expect(market.price(WANTED, { ...STANDARD_BID, serviceClass: 'spot', maxPrice: String(LAUNCH - 1n) }, 'ada').total).toBe((LAUNCH * 6n) / 10n);
});

it('M13: fixed prices are the operator\'s default, whatever the load', () => {
  const status = () => ({ rings: [], running: 4, queued: 60 });
  const fixed = openMarket(undefined, { status, now: () => NOON });
  expect(fixed.price(WANTED, STANDARD_BID, 'ada').rates).toEqual(LAUNCH_RATES);
  let now = NOON;
  const demand = openMarket('demand', { status, now: () => now });
  demand.price(WANTED, STANDARD_BID, 'ada');
  now += 2_000;
  expect(demand.price(WANTED, STANDARD_BID, 'ada').total).toBeGreaterThan(LAUNCH);
});

it('M13: is shown so that lines and split add up to the total as text', () => {
  const { market } = demanding();
  const body = priceBody(market.price(WANTED, { serviceClass: 'redundant', priority: 'high' }, 'ada'));
  expect(body.lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(BigInt(body.total));
  expect(BigInt(body.split.workers) + BigInt(body.split.fee)).toBe(BigInt(body.total));
  expect(JSON.parse(JSON.stringify(body))).toEqual(body);
});

it('M15: what a request says becomes a bid; what contradicts itself is refused', () => {
  expect(bidOf({})).toEqual({ assurance: 'stream' });
  expect(bidOf({ assurance: 'checked' })).toEqual({ assurance: 'checked' });
  expect(bidOf({ service_class: 'redundant' })).toEqual({ assurance: 'checked', bid: { serviceClass: 'redundant', priority: 'normal' } });
  expect(bidOf({ max_price: '7', quote: 'q' })).toEqual({ assurance: 'stream', bid: { ...STANDARD_BID, maxPrice: '7', quote: 'q' } });
  expect(() => bidOf({ service_class: 'redundant', assurance: 'stream' })).toThrow(expect.objectContaining({ code: 'invalid_value', fields: { param: 'ciro.assurance' } }));
  expect(() => bidOf({ service_class: 'spot', priority: 'high' })).toThrow(expect.objectContaining({ fields: { param: 'ciro.priority' } }));
});
