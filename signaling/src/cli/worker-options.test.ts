import { expect, it } from 'vitest';
import { parseWorkerOptions } from './worker-options.ts';

const parse = (...args: string[]) => parseWorkerOptions(args, '/checkout');

it('a worker needs an address and has a default for everything else', () => {
  expect(parse('--url', 'https://ciro.example.org/#contribute')).toEqual({ url: 'https://ciro.example.org', count: 1, engine: 'auto', memoryBytes: undefined, relayOnly: false, profiles: '/checkout/.ciro/workers' });
  expect(parse('--url', 'http://localhost:8080', '--count', '3', '--engine', 'wasm', '--memory', '700', '--relay-only', '--profiles', '/data')).toEqual({ url: 'http://localhost:8080', count: 3, engine: 'wasm', memoryBytes: 700e6, relayOnly: true, profiles: '/data' });
});

it.each([[[]], [['--url', 'ciro.example.org']], [['--url', 'ftp://a']], [['--url', 'https://a', '--count', '0']], [['--url', 'https://a', '--engine', 'cuda']], [['--url', 'https://a', '--memory', '1']], [['--url', 'https://a', 'more']]])('refuses %s by name', (args) => {
  expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'usage' }));
});
