import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'valibot';
import { readBars } from './bars.ts';
import type { Bars } from './bars.ts';
import { formatResult } from './format-result.ts';
import { BenchReport, checkResult, judge } from './result.ts';

const BARS: Bars = { hop_ms: { at_most: 2, unit: 'ms' }, ratio: { at_least: 0.88, unit: 'of one tab' } };
const ROWS = [{ tabs: 1, engine: 'wasm' }, { tabs: 3, engine: 'webgpu' }];
const DATE = new Date('2026-11-21T00:00:00Z');

const report = (values: BenchReport['values']): BenchReport => ({ seeds: [1], rows: ROWS, values });
const judged = (values: BenchReport['values']) => judge('demo', report(values), BARS, '2 cores', DATE);

describe('judge', () => {
  it('meets a bar at its limit and misses it beyond, on either side', () => {
    expect(judged({ hop_ms: 2, ratio: 0.88 }).bars.map(({ ok }) => ok)).toEqual([true, true]);
    expect(judged({ hop_ms: 2.001, ratio: 0.8799 }).bars.map(({ ok }) => ok)).toEqual([false, false]);
  });

  it('counts what could not be measured neither as met nor as missed, with its reason', () => {
    expect(judged({ hop_ms: { notMeasured: 'no GPU' }, ratio: 1 }).bars[0]).toEqual({ name: 'hop_ms', value: null, limit: 2, ok: null, note: 'no GPU' });
  });

  it('refuses a report that leaves out a bar', () => {
    expect(() => judged({ hop_ms: 1 })).toThrow('demo says nothing about its bar ratio');
  });

  it('refuses a report with a value that has no bar', () => {
    expect(() => judged({ hop_ms: 1, ratio: 1, hop_sm: 1 })).toThrow('demo reports hop_sm');
  });
});

describe('BenchReport', () => {
  it('refuses empty rows, and numbers that are none', () => {
    expect(() => parse(BenchReport, { ...report({}), rows: [] })).toThrow('a benchmark without rows shows nothing');
    expect(() => parse(BenchReport, report({ hop_ms: Number.NaN, ratio: 1 }))).toThrow('NaN');
    expect(() => parse(BenchReport, report({ hop_ms: Number.POSITIVE_INFINITY, ratio: 1 }))).toThrow('Infinity');
  });
});

describe('formatResult', () => {
  it('prints the rows and every bar with its verdict', () => {
    expect(formatResult(judged({ hop_ms: 2.5, ratio: { notMeasured: 'one core' } }), BARS)).toBe(
      [
        'demo on 2 cores',
        '',
        'tabs  engine',
        '   1  wasm',
        '   3  webgpu',
        '',
        'bar     value  limit   verdict                  of',
        'hop_ms  2.5    ≤ 2     MISSED                   ms',
        'ratio   –      ≥ 0.88  not measured (one core)  of one tab',
      ].join('\n'),
    );
  });
});

describe('checkResult', () => {
  const stored = judged({ hop_ms: 1, ratio: 0.5 });
  const bars = { demo: BARS };

  it('accepts what judge wrote, missed bars included', () => {
    expect(checkResult(JSON.parse(JSON.stringify(stored)), bars)).toEqual(stored);
  });

  it('refuses a missing bar, another limit, a verdict that does not follow, and empty rows', () => {
    const [hop, ratio] = stored.bars;
    if (hop === undefined || ratio === undefined) throw new Error('Two bars were judged.');
    expect(() => checkResult({ ...stored, bars: [hop] }, bars)).toThrow('lacks the bar ratio');
    expect(() => checkResult({ ...stored, bars: [hop, hop, ratio] }, bars)).toThrow('names a bar twice');
    expect(() => checkResult({ ...stored, bars: [hop, { ...ratio, limit: 0.5 }] }, bars)).toThrow('holds ratio against 0.5; the bar is 0.88');
    expect(() => checkResult({ ...stored, bars: [hop, { ...ratio, ok: true }] }, bars)).toThrow('calls ratio true; its value 0.5 makes it false');
    expect(() => checkResult({ ...stored, bars: [hop, { ...ratio, value: null, ok: true }] }, bars)).toThrow('makes it null');
    expect(() => checkResult({ ...stored, rows: [] }, bars)).toThrow('a benchmark without rows shows nothing');
    expect(() => checkResult({ ...stored, name: 'other' }, bars)).toThrow('lists no benchmark other');
  });
});

it('every committed result answers today’s bars', async () => {
  const bars = await readBars();
  expect(Object.keys(bars)).toEqual(expect.arrayContaining(['pipeline', 'equality']));
  for (const file of globSync('results/*.json', { cwd: import.meta.dirname })) {
    const stored: unknown = JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
    expect(() => checkResult(stored, bars), file).not.toThrow();
  }
});
