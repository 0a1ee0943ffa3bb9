import { expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { parseKeyWish } from './key-wish.ts';

const NOW = Date.parse('2026-12-01T00:00:00Z');

it('J2: a key asks and reads unless it says otherwise; budgets are exact to the base unit', () => {
  expect(parseKeyWish({ name: ' app ' }, NOW)).toEqual({ name: 'app', scopes: ['ask', 'read'], budget: { total: null, daily: null }, expiresAt: null });
  expect(parseKeyWish({ name: 'a', scopes: ['read', 'read'], budget: { total: '100', daily: '0.000000000000000001' }, expires_at: '2026-12-31T00:00:00Z' }, NOW)).toEqual({ name: 'a', scopes: ['read'], budget: { total: 100n * BASE_UNITS_PER_CREDIT, daily: 1n }, expiresAt: Date.parse('2026-12-31T00:00:00Z') });
});

it.each([
  ['no object', 7, null],
  ['no name', {}, 'name'],
  ['an empty name', { name: '  ' }, 'name'],
  ['an unknown field', { name: 'a', role: 'admin' }, 'role'],
  ['an unknown field below', { name: 'a', budget: { weekly: '1' } }, 'budget.weekly'],
  ['an unknown scope', { name: 'a', scopes: ['root'] }, 'scopes.0'],
  ['no scope', { name: 'a', scopes: [] }, 'scopes'],
  ['a budget as a number', { name: 'a', budget: { total: 5 } }, 'budget.total'],
  ['a budget of nothing', { name: 'a', budget: { daily: '0' } }, 'budget.daily'],
  ['a budget that is too exact', { name: 'a', budget: { daily: '0.0000000000000000001' } }, 'budget.daily'],
  ['a time that is none', { name: 'a', expires_at: 'soon' }, 'expires_at'],
  ['a time that is over', { name: 'a', expires_at: '2026-11-30T00:00:00Z' }, 'expires_at'],
])('%s is refused by name', (_, body, param) => {
  expect(() => parseKeyWish(body, NOW)).toThrow(expect.objectContaining({ code: 'bad-key', fields: { param } }));
});
