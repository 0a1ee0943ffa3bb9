import { expect, it } from 'vitest';
import { AddressLimits } from './address-limits.ts';

it('allows a burst, then one by one as time goes, for each address alone', () => {
  const clock = { now: 0 };
  const limits = new AddressLimits({ burst: 3, everyMs: 1_000 }, { now: () => clock.now });
  for (let n = 0; n < 3; n++) limits.take('1.2.3.4');
  expect(() => limits.take('1.2.3.4')).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded', fields: { retryAfterMs: 1_000 } }));
  limits.take('1.2.3.5');
  clock.now = 1_000;
  limits.take('1.2.3.4');
  expect(() => limits.take('1.2.3.4')).toThrow('more than 3 requests');
});

it('remembers a bounded number of addresses: the one seen longest ago is forgotten', () => {
  const limits = new AddressLimits({ burst: 1, everyMs: 1_000_000 }, { now: () => 0 });
  limits.take('first');
  limits.take('second');
  for (let n = 0; n < 9_999; n++) limits.take(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  expect(() => limits.take('second')).toThrow('more than 1 requests');
  limits.take('first');
});
