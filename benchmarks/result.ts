import { array, boolean, finite, minLength, nonEmpty, nullable, number, object, optional, parse, pipe, record, strictObject, string, union } from 'valibot';
import type { InferOutput } from 'valibot';
import { isMet, limitOf } from './bars.ts';
import type { Bars } from './bars.ts';

const Cell = union([string(), pipe(number(), finite()), boolean()]);
const NotMeasured = object({ notMeasured: pipe(string(), nonEmpty()) });

/** What a benchmark's `run` gives back. */
export const BenchReport = object({
  /** Everything random that the run used; empty when nothing was. */
  seeds: array(number()),
  /** One object a line of the table, all with the same keys. */
  rows: pipe(array(record(string(), Cell)), minLength(1, 'a benchmark without rows shows nothing')),
  /** A finite number for every bar of the benchmark, or why this machine cannot tell. */
  values: record(string(), union([pipe(number(), finite()), NotMeasured])),
  /** Browser it ran in, when it did. */
  browser: optional(string()),
});
export type BenchReport = InferOutput<typeof BenchReport>;

const BarResult = strictObject({
  name: string(),
  /** Null: not measured. */
  value: nullable(number()),
  limit: number(),
  /** Null: not measured, which is neither met nor missed. */
  ok: nullable(boolean()),
  /** Why it was not measured. */
  note: optional(string()),
});
export type BarResult = InferOutput<typeof BarResult>;

/** The committed form, `benchmarks/results/NAME.json`. */
export const BenchResult = strictObject({
  name: string(),
  machine: string(),
  date: string(),
  seeds: array(number()),
  rows: BenchReport.entries.rows,
  bars: array(BarResult),
});
export type BenchResult = InferOutput<typeof BenchResult>;

/** A report or a stored result that does not answer every bar, or answers another one. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}

/**
 * Holds a report against the bars of its benchmark.
 * @throws BenchError when a bar has no value or a value has no bar: both hide something
 */
export function judge(name: string, report: BenchReport, bars: Bars, machine: string, date: Date): BenchResult {
  const stray = Object.keys(report.values).filter((id) => !(id in bars));
  if (stray.length > 0) throw new BenchError(`${name} reports ${stray.join(', ')}, which benchmarks/bars.json does not list. Add the bar there or drop the value.`);
  const judged = Object.entries(bars).map(([id, bar]): BarResult => {
    const value = report.values[id];
    if (value === undefined) throw new BenchError(`${name} says nothing about its bar ${id}. Report a number, or { notMeasured: why }.`);
    if (typeof value === 'object') return { name: id, value: null, limit: limitOf(bar), ok: null, note: value.notMeasured };
    return { name: id, value, limit: limitOf(bar), ok: isMet(bar, value) };
  });
  const where = report.browser === undefined ? machine : `${machine}, ${report.browser}`;
  return { name, machine: where, date: date.toISOString(), seeds: report.seeds, rows: report.rows, bars: judged };
}

/**
 * Reads a stored result and checks it against today's bars: same ids, same limits, verdicts that follow from the values.
 * @throws BenchError on the first disagreement; ValiError when the shape is another
 */
export function checkResult(stored: unknown, bars: Readonly<Record<string, Bars>>): BenchResult {
  const result = parse(BenchResult, stored);
  const expected = bars[result.name];
  if (expected === undefined) throw new BenchError(`benchmarks/bars.json lists no benchmark ${result.name}.`);
  const named = new Map(result.bars.map((bar) => [bar.name, bar]));
  if (named.size !== result.bars.length) throw new BenchError(`The result of ${result.name} names a bar twice.`);
  for (const { name } of result.bars) if (!(name in expected)) throw new BenchError(`The result of ${result.name} has a bar ${name} that benchmarks/bars.json does not list.`);
  for (const [id, bar] of Object.entries(expected)) {
    const judged = named.get(id);
    if (judged === undefined) throw new BenchError(`The result of ${result.name} lacks the bar ${id}. Run \`npm run bench -- ${result.name}\` again.`);
    if (judged.limit !== limitOf(bar)) throw new BenchError(`The result of ${result.name} holds ${id} against ${judged.limit}; the bar is ${limitOf(bar)}.`);
    const verdict = judged.value === null ? null : isMet(bar, judged.value);
    if (judged.ok !== verdict) throw new BenchError(`The result of ${result.name} calls ${id} ${String(judged.ok)}; its value ${String(judged.value)} makes it ${String(verdict)}.`);
  }
  return result;
}
