import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { ScriptedCoordinator } from '../support/scripted-coordinator.ts';

const IDS = [65, 66, 67, 68];

interface QuoteAnswer {
  readonly id: string;
  readonly total: string;
  readonly prompt_tokens: number;
  readonly max_tokens: number;
  readonly rates: { readonly prompt_token: string; readonly generated_token: string };
  readonly lines: readonly { readonly amount: string }[];
}

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start({ logLevel: 'silent' });
});
beforeEach(() => {
  scripted.runner.script = { ids: IDS };
  scripted.runner.orders.length = 0;
});
afterAll(async () => {
  await scripted.coordinator.close();
  await rm(scripted.folder, { recursive: true });
});

const body = (ciro: Record<string, unknown>): string => JSON.stringify({ model: 'default', messages: [{ role: 'user', content: 'Say hello' }], max_tokens: 20, ciro });
const quoteFor = async (ciro: Record<string, unknown>): Promise<QuoteAnswer> => (await (await scripted.fetch('/v1/quotes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: body(ciro) })).json()) as QuoteAnswer;

it('M15: a quote says what it costs and why, holds nothing, and is what the plan, the hold and the charge go by', async () => {
  const before = await scripted.balance();
  const quote = await quoteFor({ service_class: 'spot' });
  expect(quote).toMatchObject({ object: 'quote', service_class: 'spot', assurance: 'stream', max_tokens: 20, lines: [{ what: 'base' }, { what: 'demand', amount: '0' }, { what: 'hours', amount: '0' }, { what: 'class', name: 'spot', factor_basis_points: 6_000 }, { what: 'priority', amount: '0' }] });
  expect(quote.lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(BigInt(quote.total));
  expect(BigInt(quote.total)).toBe((price(LAUNCH_RATES, quote.prompt_tokens, 20) * 6n) / 10n);
  expect(await scripted.balance()).toBe(before);

  const response = await scripted.ask({ max_tokens: 20, ciro: { quote: quote.id, service_class: 'spot', max_price: quote.total } });
  const answer = (await response.json()) as { readonly ciro: { readonly price: object } };
  expect(answer.ciro.price).toMatchObject({ total: quote.total, rates: quote.rates, lines: quote.lines, service_class: 'spot' });
  const [order] = scripted.runner.orders;
  expect(order).toMatchObject({ turn: 'last', quote: { promptToken: quote.rates.prompt_token, generatedToken: quote.rates.generated_token, feeBasisPoints: '250', hold: quote.total } });
  const charged = (price(LAUNCH_RATES, quote.prompt_tokens, IDS.length) * 6n) / 10n;
  await expect.poll(() => scripted.balance()).toBe(before - charged);
});

it('M13: a redundant answer is checked, at its own price', async () => {
  expect(await quoteFor({ service_class: 'redundant' })).toMatchObject({ assurance: 'checked', rates: { generated_token: String((LAUNCH_RATES.generatedToken * 3n) / 2n), fee_basis_points: '3500' } });
  await (await scripted.ask({ max_tokens: 20, ciro: { service_class: 'standard', priority: 'high' } })).text();
  expect(scripted.runner.orders[0]).toMatchObject({ turn: 'first' });
});

it.each([
  ['a price above the most that may be paid', { max_price: '1' }, 402, 'price_above_maximum', 'ciro.max_price'],
  ['a quote that nobody made', { quote: `quote-${'0'.repeat(32)}` }, 404, 'quote_unknown', 'ciro.quote'],
  ['a class that there is not', { service_class: 'gold' }, 400, 'invalid_value', 'ciro.service_class'],
  ['a price that is no amount', { max_price: 1.5 }, 400, 'invalid_value', 'ciro.max_price'],
  ['a redundant answer that is not checked', { service_class: 'redundant', assurance: 'stream' }, 400, 'invalid_value', 'ciro.assurance'],
])('M15: refuses %s and holds nothing', async (_what, ciro, status, code, param) => {
  const before = await scripted.balance();
  const response = await scripted.ask({ max_tokens: 20, ciro });
  expect([response.status, await response.json()]).toMatchObject([status, { error: { code, param, type: 'invalid_request_error' } }]);
  expect([await scripted.balance(), scripted.runner.orders]).toEqual([before, []]);
});

it('M15: a quote is for the request that was quoted, and for its key', async () => {
  const { id } = await quoteFor({});
  const longer = await scripted.ask({ max_tokens: 21, ciro: { quote: id } });
  expect([longer.status, await longer.json()]).toMatchObject([400, { error: { code: 'quote_mismatch' } }]);
  const { key } = (await (await fetch(`${scripted.coordinator.url}/v1/trial`, { method: 'POST' })).json()) as { key: string };
  const other = await scripted.ask({ max_tokens: 20, ciro: { quote: id } }, { headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } });
  expect([other.status, await other.json()]).toMatchObject([404, { error: { code: 'quote_unknown' } }]);
});
