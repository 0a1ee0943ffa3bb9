import { expect, test } from 'vitest';
import { joinLink, trackingUrl } from './links.ts';

test('a tab joins at the public address, else at the one that the client used; a host that is none gives no link', () => {
  const asked = { protocol: 'http', host: 'localhost:8080' } as const;
  expect(joinLink(asked, undefined)).toBe('http://localhost:8080/#contribute');
  expect(joinLink(asked, new URL('https://ciro.example.org'))).toBe('https://ciro.example.org/#contribute');
  expect(joinLink({ protocol: 'http', host: '' }, undefined)).toBeUndefined();
  expect(joinLink({ protocol: 'http', host: 'a b' }, undefined)).toBeUndefined();
});

test('I6: a job is looked at where its client reaches us, or at the public address', () => {
  const asked = { protocol: 'http', host: 'localhost:8080' } as const;
  expect(trackingUrl(asked, undefined, 'ab')).toBe('http://localhost:8080/v1/jobs/ab');
  expect(trackingUrl(asked, new URL('https://ciro.example.org'), 'ab')).toBe('https://ciro.example.org/v1/jobs/ab');
  expect(trackingUrl({ protocol: 'http', host: 'a b' }, undefined, 'ab')).toBe('/v1/jobs/ab');
});
