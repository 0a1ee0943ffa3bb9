import { expect, it } from 'vitest';
import { isSecureOrigin } from './secure-origin.ts';

const proxied = new URL('https://ciro.example.org');
const cases: readonly (readonly [what: string, host: string, options: { encrypted?: boolean; publicUrl?: URL; forwarded?: string }, secure: boolean])[] = [
  ['this machine', 'localhost:8080', {}, true],
  ['this machine by number', '127.8.9.10', {}, true],
  ['this machine by IPv6', '[::1]:8080', {}, true],
  ['a name that only begins like this machine', 'localhost.example.org', {}, false],
  ['another machine', '192.168.1.7:8080', {}, false],
  ['another machine over TLS', '192.168.1.7:8080', { encrypted: true }, true],
  ['a proxy with TLS', 'ciro.example.org', { publicUrl: proxied }, true],
  ['a proxy that says it was asked without TLS', 'ciro.example.org', { publicUrl: proxied, forwarded: 'http' }, false],
  ['a name the proxy does not serve', '192.168.1.7', { publicUrl: proxied }, false],
  ['a public address without TLS', 'ciro.example.org', { publicUrl: new URL('http://ciro.example.org') }, false],
  ['no host at all', '', {}, false],
];

it.each(cases)('%s (%s)', (_what, host, { encrypted = false, publicUrl, forwarded }, secure) => {
  const headers = { host, ...(forwarded === undefined ? {} : { 'x-forwarded-proto': forwarded }) };
  expect(isSecureOrigin({ headers, encrypted }, publicUrl)).toBe(secure);
});
