import { expect, it } from 'vitest';
import { readBars } from './bars.ts';
import { run } from './batch.ts';
import { batchedShare, ratios, rowsOf, valuesOf, WAYS } from './batch/report.ts';
import type { Together } from './batch/ask-together.ts';

const result = (tokensPerSecond: number, given: Partial<Together> = {}): Together => ({ tokensPerSecond, ofEach: [3, 1, 2, 10], firstTokenMs: [5, 7, 6, 4], generated: [{ positions: 8, batched: 2 }, { positions: 8, batched: 6 }], ...given });

const rounds = new Map([
  ['1 request', [result(10), result(20), result(5)]],
  ['2 at once', [result(15), result(30), result(10)]],
  ['4 at once', [result(25), result(44), result(20)]],
  ['4 at once, each row alone', [result(20), result(40), result(10)]],
]);

it('compares what was measured in the same round, and takes the middle of that', () => {
  expect(ratios(rounds, '4 at once', '1 request')).toEqual([2.5, 2.2, 4]);
  expect(valuesOf(rounds)).toEqual({ tokens_ratio: 2.5 });
});

it('answers every bar', async () => {
  expect(Object.keys(valuesOf(rounds))).toEqual(Object.keys((await readBars())['batch'] ?? {}));
});

it('shows every way with its raw values, and what batches bring of it', () => {
  expect(batchedShare(result(1))).toBe(0.5);
  const rows = rowsOf(rounds);
  const row = (figure: string, of: string) => rows.find((each) => String(each['figure']).startsWith(figure) && each['of'] === of);
  for (const { name } of WAYS) expect(row('tokens/s of all', name)).toMatchObject({ raw: (rounds.get(name) ?? []).map(({ tokensPerSecond }) => tokensPerSecond).join(' ') });
  expect(row('tokens/s of one answer', '4 at once')).toMatchObject({ median: 2.5 });
  expect(row('first token', '4 at once')).toMatchObject({ median: 7 });
  expect(row('all answers against each row alone', '4 at once')).toMatchObject({ median: 1.25, raw: '1.25 1.1 2' });
});

it.each([['--rounds', '0'], ['--rounds', '10'], ['--seed', 'x']])('refuses %s %s with what it takes', async (...args) => {
  await expect(run({ args, signal: new AbortController().signal, say: () => undefined })).rejects.toThrow('usage: npm run bench -- batch');
});
