import { expect, it } from 'vitest';
import { parseContractsOptions } from './contracts-options.ts';

it('reads what is to be done', () => {
  expect(parseContractsOptions([])).toEqual({ do: 'compile', all: false });
  expect(parseContractsOptions(['--all'])).toEqual({ do: 'compile', all: true });
  expect(parseContractsOptions(['CiroToken'])).toEqual({ do: 'compile', all: false, only: 'CiroToken' });
  expect(parseContractsOptions(['--check', '--all'])).toEqual({ do: 'check', all: true });
  expect(parseContractsOptions(['--ask'])).toEqual({ do: 'ask' });
  expect(parseContractsOptions(['test', 'claim'])).toEqual({ do: 'test', filter: 'claim' });
  expect(parseContractsOptions(['coverage'])).toEqual({ do: 'coverage' });
});

it('refuses what does not go together, with the usage', () => {
  for (const args of [['--check', '--ask'], ['test', '--all'], ['coverage', '--check'], ['a', 'b'], ['test', 'a', 'b'], ['--nope'], ['--ask', '--all']]) {
    expect(() => parseContractsOptions(args), args.join(' ')).toThrow('npm run contracts -- --check');
  }
});
