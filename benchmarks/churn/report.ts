import { percentile } from '../failover/outcome.ts';
import { isLost } from './outcome.ts';
import type { BenchReport } from '../result.ts';
import type { Asked, Played } from './outcome.ts';

const TAIL = 0.95;
const cell = (value: number): number | string => (Number.isFinite(value) ? value : '–');
const sum = (asked: readonly Asked[], of: (each: Asked) => number): number => asked.reduce((total, each) => total + of(each), 0);

/** The curve: a row for each rate. */
export const rowsOf = (played: readonly Played[]): BenchReport['rows'] => played.map(rowOf);

function rowOf({ departuresPerMinute, departures, joins, seconds, asked }: Played): BenchReport['rows'][number] {
  const stalls = asked.flatMap(({ stallMs }) => stallMs ?? []);
  const lost = asked.filter(isLost).length;
  return {
    departures_per_minute: departuresPerMinute,
    departures,
    arrivals: joins,
    seconds: Math.round(seconds),
    answers: asked.length,
    tokens_per_second: cell(sum(asked, ({ tokens }) => tokens) / seconds),
    lost,
    lost_rate: cell(asked.length === 0 ? Number.NaN : lost / asked.length),
    lost_without_coverage: asked.filter((each) => each.lost !== undefined && !isLost(each)).length,
    moves: sum(asked, ({ moves }) => moves),
    changed_tokens: sum(asked, ({ changedTokens }) => changedTokens),
    stall_p50_ms: cell(percentile(stalls, 0.5)),
    stall_p95_ms: cell(percentile(stalls, TAIL)),
    stall_most_ms: cell(percentile(stalls, 1)),
    fewest_tabs: cell(Math.min(...asked.map(({ leastTabs }) => leastTabs))),
    errors: [...new Set(asked.flatMap(({ lost: error }) => error ?? []))].join('; '),
  };
}

/** What the bar is held against. */
export function valuesOf(played: readonly Played[]): BenchReport['values'] {
  const asked = played.filter(({ departuresPerMinute }) => departuresPerMinute > 0).flatMap((each) => each.asked);
  return { lost_answers: asked.length === 0 ? { notMeasured: 'no question was asked while tabs left' } : asked.filter(isLost).length };
}
