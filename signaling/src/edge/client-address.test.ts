import { expect, it } from 'vitest';
import { clientAddress, trustedProxies } from './client-address.ts';

const own = trustedProxies();
const compose = trustedProxies('172.28.0.0/24, fd00::/8 10.0.0.7');

it('believes proxies of this machine, and those that the operator names, and nobody else', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(own)).toEqual([true, true, true, true]);
  expect(['172.28.0.3', '203.0.113.1', 'no address'].map(own)).toEqual([false, false, false]);
  expect(['172.28.0.3', '::ffff:172.28.0.3', 'fd12::1', '10.0.0.7', '127.0.0.1'].map(compose)).toEqual([true, true, true, true, true]);
  expect(['172.28.1.3', '10.0.0.8', '2001:db8::1'].map(compose)).toEqual([false, false, false]);
});

it('takes the nearest address that no trusted proxy has: a client that forges the header is found all the same', () => {
  expect(clientAddress('203.0.113.1', '198.51.100.1', compose)).toBe('203.0.113.1');
  expect(clientAddress('172.28.0.2', '198.51.100.1, 203.0.113.1', compose)).toBe('203.0.113.1');
  expect(clientAddress('127.0.0.1', '198.51.100.1, 203.0.113.1, 172.28.0.9', compose)).toBe('203.0.113.1');
  expect(clientAddress('::ffff:172.28.0.2', ['198.51.100.1', '203.0.113.1'], compose)).toBe('203.0.113.1');
  expect(clientAddress('127.0.0.1', undefined, own)).toBe('127.0.0.1');
  expect(clientAddress('127.0.0.1', 'unknown, <script>', own)).toBe('127.0.0.1');
});

it.each(['172.28.0.0/33', '172.28.0.0/0', 'proxy', '10.0.0.0/8/8', '::/129', '10.0.0.0/'])('refuses %s by name', (text) => {
  expect(() => trustedProxies(text)).toThrow(expect.objectContaining({ code: 'bad-proxy', message: expect.stringContaining(text) }));
});
