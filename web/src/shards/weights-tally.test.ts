import { expect, it } from 'vitest';
import { WeightsTally } from './weights-tally.ts';
import type { WeightsMoved } from './weights-tally.ts';

it('W3: the line is timed over all sources together, while weights come, once enough did', () => {
  let now = 0;
  const told: WeightsMoved[] = [];
  const tally = new WeightsTally((moved) => told.push(moved), { now: () => now, after: (_ms, task) => (task(), () => undefined) });
  const chunk = (source: string, ms: number): void => {
    now += ms;
    tally.took(source, source === 'http' ? 'coordinator' : 'neighbour', 131_072);
  };
  for (let n = 0; n < 4; n++) chunk('http', 100);
  expect(told.at(-1)?.downBytesPerMs).toBeUndefined();
  // A pause is not the line's.
  chunk('http', 60_000);
  for (let n = 0; n < 20; n++) chunk(n % 2 === 0 ? 'http' : 'tab', 50);
  const rate = told.at(-1)?.downBytesPerMs ?? 0;
  expect(rate).toBeGreaterThan(131_072 / 100);
  expect(rate).toBeLessThan(131_072 / 50);
});
