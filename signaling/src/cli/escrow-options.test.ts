import { expect, it } from 'vitest';
import { parseEscrowOptions } from './escrow-options.ts';

const shared = { url: 'http://localhost:8080', sponsored: false };

it('reads each command with its amounts in base units', () => {
  expect(parseEscrowOptions(['create', '--prompt', 'Why?', '--budget', '0.5', '--minutes', '30', '--sponsored'])).toEqual({ ...shared, sponsored: true, command: 'create', prompt: 'Why?', system: undefined, model: 'default', maxTokens: 40, temperature: 0, seed: 1, assurance: 'stream', budget: 5n * 10n ** 17n, minutes: 30 });
  expect(parseEscrowOptions(['top-up', '0x7a5', '60', '--url', 'http://ciro.example/'])).toEqual({ ...shared, url: 'http://ciro.example', command: 'top-up', id: '0x7a5', amount: 60n * 10n ** 18n });
  for (const command of ['ask', 'cancel', 'status', 'refund', 'evidence']) expect(parseEscrowOptions([command, '0x7a5'])).toEqual({ ...shared, command, id: '0x7a5' });
  expect(parseEscrowOptions(['revoke-model', 'ab'.repeat(32)])).toEqual({ ...shared, command: 'revoke-model', model: 'ab'.repeat(32) });
});

it.each([
  [[], /what is to be done/],
  [['burn', '0x1'], /no "burn"/],
  [['create'], /--prompt is missing/],
  [['create', '--prompt', 'x', '--minutes', '10'], /from 11 to/],
  [['create', '--prompt', 'x', '--budget', '-1'], /--budget/],
  [['create', '--prompt', 'x', '--budget', '0'], /--budget is "0"/],
  [['create', '--prompt', 'x', '--assurance', 'none'], /stream or checked/],
  [['status', '0x07'], /the job is "0x07"/],
  [['refund'], /the job is ""/],
  [['top-up', '0x7'], /the amount is ""/],
  [['revoke-model', 'smol'], /64 hex digits/],
])('refuses %j, naming what is wrong', (args, message) => {
  expect(() => parseEscrowOptions(args)).toThrow(message);
});
