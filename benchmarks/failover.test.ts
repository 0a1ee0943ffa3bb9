import { expect, it } from 'vitest';
import { readBars } from './bars.ts';
import { run } from './failover.ts';
import { drawKills, FIRST_PIECE, LAST_PIECE } from './failover/kill-plan.ts';
import { changedTokens, covers, percentile, stallOf } from './failover/outcome.ts';
import { rowsOf, valuesOf } from './failover/report.ts';
import { TAB_DEATHS } from '../tests/support/tab-death.ts';
import type { Outcome } from './failover/outcome.ts';

const SPACE = { stages: 4, questions: 6 };
const KILL = { question: 0, death: 'closed', stage: 1, piece: 10 } as const;
const outcome = (given: Partial<Outcome>): Outcome => ({ stages: 3, kill: KILL, drawn: false, warm: true, stallMs: 1_000, movingMs: 100, lost: undefined, changedTokens: 0, ...given });

it('draws the same kills from the same seed and name, and others from another', () => {
  expect(drawKills(1, 'a', 20, SPACE)).toEqual(drawKills(1, 'a', 20, SPACE));
  expect(drawKills(2, 'a', 20, SPACE)).not.toEqual(drawKills(1, 'a', 20, SPACE));
  expect(drawKills(1, 'b', 20, SPACE)).not.toEqual(drawKills(1, 'a', 20, SPACE));
});

it('draws from everything there is and from nothing else', () => {
  const kills = drawKills(1, 'a', 2_000, SPACE);
  const all = (values: readonly (string | number)[]) => [...new Set(values)].toSorted();
  expect(all(kills.map(({ death }) => death))).toEqual([...TAB_DEATHS].toSorted());
  expect(all(kills.map(({ stage }) => stage))).toEqual([0, 1, 2, 3]);
  expect(all(kills.map(({ question }) => question))).toEqual([0, 1, 2, 3, 4, 5]);
  const pieces = kills.map(({ piece }) => piece);
  expect([Math.min(...pieces), Math.max(...pieces)]).toEqual([FIRST_PIECE, LAST_PIECE]);
});

it('takes as stall the longest gap that ends after the loss, wherever the loss falls into it', () => {
  expect(stallOf([0, 900, 1_000, 1_050, 3_000, 3_040], 1_020)).toBe(1_950);
  expect(stallOf([0, 900, 1_000, 3_000], 2_990)).toBe(2_000);
  expect(stallOf([0, 900], 1_000)).toBeUndefined();
});

it('counts every place in which an answer differs, and those it lacks or has too many', () => {
  expect(changedTokens([1, 2, 3], [1, 2, 3])).toBe(0);
  expect(changedTokens([1, 2, 3], [1, 5, 3])).toBe(1);
  expect(changedTokens([1, 2, 3], [1])).toBe(2);
  expect(changedTokens([1], [1, 2])).toBe(1);
});

it('takes percentiles by nearest rank', () => {
  const values = Array.from({ length: 40 }, (_, index) => 40 - index);
  expect([percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1)]).toEqual([20, 38, 40]);
  expect(percentile([7], 0.95)).toBe(7);
  expect(percentile([], 0.95)).toBeNaN();
});

it('calls a loss warm only when a spare holds exactly the layers that were lost', () => {
  expect(covers([null, [10, 20]], [10, 20])).toBe(true);
  expect(covers([[0, 10], null], [10, 20])).toBe(false);
  expect(covers([[10, 21]], [10, 20])).toBe(false);
});

it('answers every bar, warm and cold apart, with lost and changed ones counted', async () => {
  const outcomes = [outcome({}), outcome({ warm: false, stallMs: 9_000, stages: 4 }), outcome({ warm: false, stallMs: undefined, lost: 'worker_lost: gone' }), outcome({ drawn: true, changedTokens: 2 })];
  const values = valuesOf(outcomes);
  expect(Object.keys(values).toSorted()).toEqual(Object.keys((await readBars())['failover'] ?? {}).toSorted());
  expect(values).toEqual({ answers: 4, warm_stall_p95_ms: 1_000, cold_stall_p95_ms: 9_000, lost_answers: 1, changed_tokens: 2 });
  expect(valuesOf([outcome({})])['cold_stall_p95_ms']).toEqual({ notMeasured: 'no tab was lost whose spare did not stand by' });
  const rows = rowsOf(outcomes);
  expect(rows.map((row) => [row['stages'], row['tab'], row['spare'], row['answers'], row['lost'], row['changed_answers']])).toEqual([
    ['3', 'closed', 'stands by', 2, 0, 1],
    ['all', 'all', 'stands by', 2, 0, 1],
    ['3', 'closed', 'loads first', 1, 1, 0],
    ['4', 'closed', 'loads first', 1, 0, 0],
    ['all', 'all', 'loads first', 2, 1, 0],
    ['all', 'all, greedy', 'either', 3, 1, 0],
    ['all', 'all, drawn', 'either', 1, 0, 1],
  ]);
  expect(new Set(rows.map((row) => Object.keys(row).join())).size).toBe(1);
});

it.each([['--answers', '3'], ['--answers', 'many'], ['--seed', 'x']])('refuses %s %s with what it takes', async (...args) => {
  await expect(run({ args, signal: new AbortController().signal, say: () => undefined })).rejects.toThrow('usage: npm run bench -- failover');
});
