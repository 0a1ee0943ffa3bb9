import { expect, it } from 'vitest';
import { readBars } from './bars.ts';
import { run } from './churn.ts';
import { Coverage } from './churn/coverage.ts';
import { isLost, longestGap } from './churn/outcome.ts';
import { rowsOf, valuesOf } from './churn/report.ts';
import { DEPARTURES, drawTrace, linesOf } from './churn/trace.ts';
import type { Asked } from './churn/outcome.ts';

const context = { signal: new AbortController().signal, say: () => undefined };
const asked = (given: Partial<Asked>): Asked => ({ question: 0, tokens: 56, stallMs: 500, moves: 0, changedTokens: 0, lost: undefined, leastTabs: 3, ...given });
const played = (departuresPerMinute: number, all: readonly Asked[]) => ({ departuresPerMinute, departures: 3, joins: 3, seconds: 60, asked: all });

it('draws the same trace from the same seed, rate and length, and another from another', () => {
  expect(linesOf(drawTrace(1, 6, 5))).toBe(linesOf(drawTrace(1, 6, 5)));
  expect(linesOf(drawTrace(2, 6, 5))).not.toBe(linesOf(drawTrace(1, 6, 5)));
  expect(linesOf(drawTrace(1, 12, 5))).not.toBe(linesOf(drawTrace(1, 6, 5)));
  // Anyone can hold a trace of theirs against this one.
  expect(linesOf(drawTrace(1, 6, 0.5))).toMatchInlineSnapshot(`
    "7.310 freeze 0.293536
    13.418 leave 0.889923
    15.253 crash 0.838499
    15.374 join
    18.152 leave 0.913407
    18.642 join
    20.664 freeze 0.237675
    27.865 join
    29.265 join
    29.286 crash 0.743625"
  `);
});

it('has as many departures as its rate says, of every kind, each followed by an arrival, in order and in time', () => {
  const trace = drawTrace(7, 12, 100);
  const departures = trace.filter(({ what }) => what !== 'join');
  expect(departures.length).toBeGreaterThan(1_200 - 3 * Math.sqrt(1_200));
  expect(departures.length).toBeLessThan(1_200 + 3 * Math.sqrt(1_200));
  expect([...new Set(departures.map(({ what }) => what))].toSorted()).toEqual([...DEPARTURES].toSorted());
  expect(trace.map(({ at }) => at)).toEqual(trace.map(({ at }) => at).toSorted((a, b) => a - b));
  expect(trace.every(({ at }) => at >= 0 && at <= 100 * 60_000)).toBe(true);
  const away: number[] = [];
  for (const { what } of trace) away.push((away.at(-1) ?? 0) + (what === 'join' ? -1 : 1));
  expect(Math.min(...away)).toBe(0);
  expect(drawTrace(7, 0, 100)).toEqual([]);
});

it('knows the fewest tabs of any moment of an answer', () => {
  const coverage = new Coverage();
  coverage.came(0);
  coverage.came(10);
  coverage.went(20);
  coverage.went(30);
  coverage.came(40);
  expect([coverage.least(0, 5), coverage.least(12, 15), coverage.least(12, 25), coverage.least(25, 45), coverage.least(41, 50), coverage.tabs]).toEqual([1, 2, 1, 0, 1, 1]);
});

it('counts an answer as lost only while somebody was there who could have served it', () => {
  expect([asked({}), asked({ lost: 'x', leastTabs: 0 }), asked({ lost: 'x', leastTabs: 1 })].map(isLost)).toEqual([false, false, true]);
  const all = [played(0, [asked({})]), played(6, [asked({ moves: 2 }), asked({ lost: 'no_workers: nobody', tokens: 4, leastTabs: 0, stallMs: undefined }), asked({ lost: 'fault: x', stallMs: 9_000 })])];
  expect(valuesOf(all)).toEqual({ lost_answers: 1 });
  expect(valuesOf([played(0, [asked({})])])).toEqual({ lost_answers: { notMeasured: expect.any(String) } });
  expect(rowsOf(all)[1]).toMatchObject({ answers: 3, tokens_per_second: (56 + 4 + 56) / 60, lost: 1, lost_rate: 1 / 3, lost_without_coverage: 1, moves: 2, stall_p95_ms: 9_000, fewest_tabs: 0, errors: 'no_workers: nobody; fault: x' });
  expect(longestGap([1, 2, 9, 10])).toBe(7);
  expect(longestGap([1])).toBeUndefined();
});

it('prints the trace without a browser, and refuses what it does not understand', async () => {
  const { rows, values } = await run({ ...context, args: ['--print', '--rates', '6', '--minutes', '0.5'] });
  expect(rows.map(({ event }) => event).join('\n')).toBe(linesOf(drawTrace(1, 6, 0.5)));
  expect(values).toEqual({ lost_answers: { notMeasured: expect.any(String) } });
  await expect(run({ ...context, args: ['--rates', 'x'] })).rejects.toThrow('usage');
  expect(Object.keys((await readBars())['churn'] ?? {})).toEqual(['lost_answers']);
});
