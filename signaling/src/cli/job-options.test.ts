import { expect, test } from 'vitest';
import { parseJobOptions } from './job-options.ts';

test('defaults are a greedy answer over three stages', () => {
  expect(parseJobOptions(['--prompt', 'Hi'])).toEqual({ prompt: 'Hi', stages: 3, maxTokens: 40, temperature: 0, seed: 1, engine: 'auto', model: 'default', assurance: 'stream' });
});

test('every flag is taken over', () => {
  const args = ['--prompt', 'a', '--system', 's', '--stages', '5', '--max-tokens', '7', '--temperature', '0.5', '--seed', '9', '--engine', 'wasm', '--model', 'm.gguf', '--assurance', 'checked', '--json', 'o.json'];
  expect(parseJobOptions(args)).toEqual({ prompt: 'a', system: 's', stages: 5, maxTokens: 7, temperature: 0.5, seed: 9, engine: 'wasm', model: 'm.gguf', assurance: 'checked', json: 'o.json' });
});

test.each([
  [[], '--prompt is missing'],
  [['--prompt', 'a', '--stages', '0'], '--stages is "0"; expected a whole number from 1 to 64'],
  [['--prompt', 'a', '--max-tokens', '1.5'], '--max-tokens is "1.5"'],
  [['--prompt', 'a', '--engine', 'cuda'], '--engine is cuda'],
  [['--prompt', 'a', '--assurance', 'blind'], '--assurance is blind; expected stream or checked'],
  [['--prompt', 'a', '--colour', 'red'], '--colour'],
])('%o is refused with the flag named', (args, message) => {
  expect(() => parseJobOptions(args)).toThrow(message);
});
