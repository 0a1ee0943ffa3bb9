import { expect, test } from 'vitest';
import { joinLink } from './join-link.ts';

test('a tab joins at the public address, else at the one that the client used; a host that is none gives no link', () => {
  const asked = { protocol: 'http', host: 'localhost:8080' } as const;
  expect(joinLink(asked, undefined)).toBe('http://localhost:8080/#contribute');
  expect(joinLink(asked, new URL('https://ciro.example.org'))).toBe('https://ciro.example.org/#contribute');
  expect(joinLink({ protocol: 'http', host: '' }, undefined)).toBeUndefined();
  expect(joinLink({ protocol: 'http', host: 'a b' }, undefined)).toBeUndefined();
});
