import { expect, it } from 'vitest';
import { parseChainOptions } from './chain-options.ts';

it('reads the flags', () => {
  expect(parseChainOptions([])).toEqual({ network: 'devnet', once: false, dryRun: false, port: 5050 });
  expect(parseChainOptions(['--once', '--port', '0'])).toEqual({ network: 'devnet', once: true, dryRun: false, port: 0 });
  expect(parseChainOptions(['--network', 'sepolia', '--dry-run'])).toEqual({ network: 'sepolia', once: false, dryRun: true, port: 5050 });
});

it('refuses networks that it does not know, and a port of one that it does not start', () => {
  expect(() => parseChainOptions(['--network', 'goerli'])).toThrow('--network is goerli; expected devnet, sepolia, mainnet');
  expect(() => parseChainOptions(['--network', 'mainnet', '--port', '1'])).toThrow('CIRO_RPC');
  expect(() => parseChainOptions(['--twice'])).toThrow('npm run chain');
});
