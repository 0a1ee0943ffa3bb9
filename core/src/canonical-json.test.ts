import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { canonicalJson, domainHash } from './canonical-json.ts';

test('H1: keys are sorted by code unit and numbers take their ECMAScript form', () => {
  expect(canonicalJson({ b: 1, a: [true, null, 'é\n'], '€': 1e21, A: 0.1 })).toBe('{"A":0.1,"a":[true,null,"é\\n"],"b":1,"€":1e+21}');
});

test('H1: the order in which fields were written does not change the hash', () => {
  expect(domainHash('ciro/test/1', { x: 1, y: { p: 1, q: 2 } })).toBe(domainHash('ciro/test/1', { y: { q: 2, p: 1 }, x: 1 }));
});

test('H1: the domain is part of what is hashed', () => {
  const expected = createHash('sha256').update('ciro/test/1\0{"x":1}').digest('hex');
  expect(domainHash('ciro/test/1', { x: 1 })).toBe(expected);
  expect(domainHash('ciro/test/2', { x: 1 })).not.toBe(expected);
});

test.each([
  [{ a: { b: undefined } }, '$.a.b is undefined'],
  [{ a: [1, 2n] }, '$.a[1] is bigint'],
  [{ a: Number.NaN }, '$.a is NaN'],
  [new Map(), '$ is object'],
])('H1: %o is refused with its path', (value, message) => {
  expect(() => canonicalJson(value)).toThrow(message);
});
