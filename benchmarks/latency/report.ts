import { median } from '../figures/figure.ts';
import { PROMPT_SET_NAMES } from './prompts.ts';
import type { BenchReport } from '../result.ts';
import type { Answer } from './cells.ts';

type Value = BenchReport['values'][string];

/** The cell that the bars are about. */
const BAR = { delayMs: 20, loss: 0 } as const;

/**
 * Above this many waiting processes a core the machine is busy with other things: a token then takes so long to compute that delay does not show, and
 * three tabs look as fast as one. This bench alone makes about one.
 */
export const MOST_LOAD_PER_CORE = 2;

const ratioOf = (answers: readonly Answer[]): number => median(answers.map(({ threeTabs, oneTab }) => threeTabs / oneTab));

/** A row for each delay, loss and kind of question: medians, and every value. */
export function rowsOf(answers: readonly Answer[]): BenchReport['rows'] {
  const groups = Map.groupBy(answers, ({ cell: { delayMs, loss }, set }) => `${delayMs}|${loss}|${set}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return {
      delay_ms: first.cell.delayMs,
      loss_percent: 100 * first.cell.loss,
      questions: first.set,
      answers: group.length,
      three_tabs: median(group.map(({ threeTabs }) => threeTabs)),
      one_tab: median(group.map(({ oneTab }) => oneTab)),
      ratio: ratioOf(group),
      first_token_ms: median(group.map(({ firstTokenMs }) => firstTokenMs)),
      load_per_core: median(group.map(({ loadPerCore }) => loadPerCore)),
      ratios: group.map(({ threeTabs, oneTab }) => (threeTabs / oneTab).toFixed(3)).join(' '),
    };
  });
}

/** What the bars are held against: the worst kind of question counts. */
export function valuesOf(answers: readonly Answer[]): Readonly<Record<'ratio_20ms_plain' | 'ratio_20ms_speculative', Value>> {
  const at = PROMPT_SET_NAMES.map((set) => answers.filter(({ cell, set: of }) => of === set && cell.delayMs === BAR.delayMs && cell.loss === BAR.loss));
  const load = median(at.flat().map(({ loadPerCore }) => loadPerCore));
  return {
    ratio_20ms_plain: load > MOST_LOAD_PER_CORE ? { notMeasured: `the machine was busy with other things: ${load.toFixed(0)} processes waited for each core` } : at.some((group) => group.length === 0) ? { notMeasured: 'not every kind of question was asked at 20 ms' } : Math.min(...at.map(ratioOf)),
    ratio_20ms_speculative: { notMeasured: 'there is no speculation yet' },
  };
}
