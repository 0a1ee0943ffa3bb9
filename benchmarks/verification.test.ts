import { expect, it } from 'vitest';
import { readBars } from './bars.ts';
import { PARTS, run } from './verification.ts';

const context = (...args: string[]) => ({ args, signal: new AbortController().signal, say: () => undefined });

it('has one part for every bar, and a bar for everything a part answers', async () => {
  const bars = Object.keys((await readBars())['verification'] ?? {});
  expect(PARTS.flatMap((part) => part.bars).sort()).toEqual(bars.sort());
});

it.each([['other'], ['--share', '0'], ['honest', '--share', 'half']])('refuses %s %s with the parts there are', async (...args) => {
  await expect(run(context(...args))).rejects.toThrow('usage: npm run bench -- verification [honest');
});
