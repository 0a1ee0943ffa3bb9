import { expect, it } from 'vitest';
import * as v from 'valibot';
import { FIELD_PRIME, FeltSchema, toFelt } from './felt.ts';

it.each(['secret', '', '0x', '12', '0xg', '-0x1', toFelt(FIELD_PRIME), `0x${'f'.repeat(65)}`, 5, null])('%s is no felt, and is refused without an exception', (value) => {
  expect(v.safeParse(FeltSchema, value).success).toBe(false);
});

it('equal values have one text', () => {
  expect([v.parse(FeltSchema, '0x00Ab'), v.parse(FeltSchema, '0x0')]).toEqual(['0xab', '0x0']);
});
