import { TAB_DEATHS } from '../../tests/support/tab-death.ts';
import { percentile } from './outcome.ts';
import type { BenchReport } from '../result.ts';
import type { Outcome } from './outcome.ts';

type Row = BenchReport['rows'][number];
type Value = BenchReport['values'][string];

const WARM = 'stands by';
const COLD = 'loads first';
/** What a tail is of that is worth a name: one in twenty. */
const TAIL = 0.95;

/**
 * A row for each number of stages, way to go and spare, and one over everything for each spare. Then one for the likeliest ids and
 * one for drawn ones: a draw can fall so near the edge between two ids that another order of additions gives the other one.
 */
export function rowsOf(outcomes: readonly Outcome[]): readonly Row[] {
  const rows: Row[] = [];
  for (const warm of [true, false]) {
    const ofSpare = outcomes.filter((each) => each.warm === warm);
    for (const stages of [...new Set(ofSpare.map((each) => each.stages))].sort((a, b) => a - b))
      for (const death of TAB_DEATHS) {
        const group = ofSpare.filter((each) => each.stages === stages && each.kill.death === death);
        if (group.length > 0) rows.push(rowOf(String(stages), death, warm ? WARM : COLD, group));
      }
    if (ofSpare.length > 0) rows.push(rowOf('all', 'all', warm ? WARM : COLD, ofSpare));
  }
  for (const drawn of [false, true]) {
    const group = outcomes.filter((each) => each.drawn === drawn);
    if (group.length > 0) rows.push(rowOf('all', `all, ${drawn ? 'drawn' : 'greedy'}`, 'either', group));
  }
  return rows;
}

function rowOf(stages: string, tab: string, spare: string, group: readonly Outcome[]): Row {
  const stalls = group.flatMap(({ stallMs }) => stallMs ?? []);
  return {
    stages,
    tab,
    spare,
    answers: group.length,
    stall_p50_ms: cell(percentile(stalls, 0.5)),
    stall_p95_ms: cell(percentile(stalls, TAIL)),
    stall_most_ms: cell(percentile(stalls, 1)),
    told_p50_ms: cell(percentile(group.flatMap(({ movingMs }) => movingMs ?? []), 0.5)),
    lost: group.filter(({ lost }) => lost !== undefined).length,
    changed_answers: group.filter((each) => each.changedTokens > 0).length,
    changed_tokens: group.reduce((sum, each) => sum + each.changedTokens, 0),
    stalls_ms: stalls.map((ms) => ms.toFixed(0)).join(' '),
  };
}

const cell = (value: number): number | string => (Number.isNaN(value) ? '–' : value);

/** What the bars are held against. */
export function valuesOf(outcomes: readonly Outcome[]): Readonly<Record<string, Value>> {
  const tail = (warm: boolean): Value => {
    const stalls = outcomes.flatMap((each) => (each.warm === warm ? (each.stallMs ?? []) : []));
    return stalls.length === 0 ? { notMeasured: `no tab was lost whose spare ${warm ? 'stood by' : 'did not stand by'}` } : percentile(stalls, TAIL);
  };
  return {
    answers: outcomes.length,
    warm_stall_p95_ms: tail(true),
    cold_stall_p95_ms: tail(false),
    lost_answers: outcomes.filter(({ lost }) => lost !== undefined).length,
    changed_tokens: outcomes.reduce((sum, each) => sum + each.changedTokens, 0),
  };
}
