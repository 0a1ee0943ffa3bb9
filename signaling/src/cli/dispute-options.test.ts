import { expect, it } from 'vitest';
import { parseDisputeOptions } from './dispute-options.ts';
import { parseStakeOptions } from './stake-options.ts';
import { parseTokens } from './token-amount.ts';

const url = 'http://localhost:8080';
const JOB = 'ab'.repeat(16);

it('reads what is to be done in court', () => {
  const parse = (line: string) => parseDisputeOptions(line.split(' '));
  expect(parse('list --url http://there:1/')).toEqual({ do: 'list', url: 'http://there:1' });
  expect(parse('show 3')).toEqual({ do: 'show', url, id: 3 });
  expect(parse('respond 3 answer.json')).toEqual({ do: 'respond', url, id: 3, file: 'answer.json' });
  expect(parse('vote 3 --auto --model default --slash 12.5')).toEqual({ do: 'vote', url, id: 3, vote: 'auto', slash: 125n * 10n ** 17n, file: null, model: 'default' });
  expect(parse('vote 3 --not-guilty')).toEqual({ do: 'vote', url, id: 3, vote: 'not guilty', slash: null, file: null });
  expect(parse(`open worker 0x00AB ${JOB} case.json`)).toEqual({ do: 'open', url, kind: 'worker', accused: '0xab', ref: `0x${JOB}`, file: 'case.json' });
  expect(parse('open job 0x7 case.json')).toEqual({ do: 'open', url, kind: 'job', accused: '0x0', ref: '0x7', file: 'case.json' });
  expect(parse('root 2 --force')).toEqual({ do: 'root', url, epoch: 2, force: true });
});

it.each([
  ['', 'what is to be done is missing'], ['judge 1', 'is nothing that dispute does'], ['show', 'takes 1 argument, and 0 were given'], ['show 0', '"0" is no number of a case'], ['show 1 2', 'takes 1 argument, and 2'], ['vote 1', 'one of --auto, --guilty and --not-guilty'],
  ['vote 1 --auto --guilty', 'one of --auto'], ['vote 1 --not-guilty --slash 1', '--slash belongs to a vote for guilty'], ['vote 1 --guilty --slash much', '--slash is "much"'], ['vote 1 --guilty --file x', 'belong to --auto'], ['list --force', '--force is no flag of dispute list'],
  ['open epoch 1', '"epoch" cannot be accused'], ['open worker 12 0x1 f', 'expected 0x hex'], ['open job job f', 'the job is "job"'], ['root one', '"one" is no number of an epoch'],
])('%s: %s', (line, why) => {
  expect(() => parseDisputeOptions(line === '' ? [] : line.split(' '))).toThrow(why);
});

it('reads what is to be done with a stake', () => {
  const parse = (line: string) => parseStakeOptions(line.split(' '));
  expect(parse('status')).toEqual({ do: 'status', worker: null });
  expect(parse('withdraw 0x0A')).toEqual({ do: 'withdraw', worker: '0xa' });
  expect(parse('register --payout 0xb')).toEqual({ do: 'register', capability: 'unspecified', payout: '0xb' });
  expect(parse('add 100')).toEqual({ do: 'add', amount: 100n * 10n ** 18n });
  expect(parse('payout 0xC')).toEqual({ do: 'payout', to: '0xc' });
  for (const wrong of ['add', 'add 0', 'add -1', 'add 1,5', 'cancel 1', 'payout 0x0', 'status --payout 0x1', 'leave', 'add 1 2']) expect(() => parse(wrong), wrong).toThrow('npm run stake');
});

it('reads amounts to the base unit', () => {
  expect(['1', '0.000000000000000001', '12.5'].map(parseTokens)).toEqual([10n ** 18n, 1n, 125n * 10n ** 17n]);
  expect(['', '1.', '.5', '1e3', '0.0000000000000000001', '-1', ' 1'].map(parseTokens)).toEqual(Array.from({ length: 7 }, () => undefined));
});
