import { limitOf } from './bars.ts';
import type { Bars } from './bars.ts';
import type { BarResult, BenchResult } from './result.ts';

/** Figures after the point that a reader can use. */
const SIGNIFICANT_DIGITS = 4;

function formatCell(cell: string | number | boolean | undefined): string {
  return typeof cell === 'number' ? String(Number(cell.toPrecision(SIGNIFICANT_DIGITS))) : String(cell ?? '');
}

/** Columns padded to their widest cell; numbers stand to the right. */
export function formatTable(rows: readonly Readonly<Record<string, string | number | boolean>>[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => formatCell(row[column])))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const toRight = columns.map((column) => rows.every((row) => typeof row[column] === 'number'));
  return lines
    .map((line) => line.map((cell, index) => (toRight[index] === true ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0))).join('  ').trimEnd())
    .join('\n');
}

function verdict({ ok, note }: BarResult): string {
  if (ok === null) return `not measured (${note ?? 'no reason given'})`;
  return ok ? 'met' : 'MISSED';
}

/** The table that `npm run bench` prints: the rows, then each bar with its verdict. */
export function formatResult(result: BenchResult, bars: Bars): string {
  const judged = result.bars.map((bar) => {
    const promise = bars[bar.name];
    const limit = promise === undefined ? String(bar.limit) : `${'at_least' in promise ? '≥' : '≤'} ${limitOf(promise)}`;
    return { bar: bar.name, value: bar.value === null ? '–' : formatCell(bar.value), limit, verdict: verdict(bar), of: promise?.unit ?? '' };
  });
  return `${result.name} on ${result.machine}\n\n${formatTable(result.rows)}\n\n${formatTable(judged)}`;
}
