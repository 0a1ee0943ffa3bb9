import { median } from '../figures/figure.ts';
import { PROMPT_SET_NAMES } from './prompts.ts';
import type { BenchReport } from '../result.ts';
import type { Answer } from './cells.ts';
import type { PromptSet } from './prompts.ts';

/** Sets that the bar of speculation is about. */
const REPEATING: readonly PromptSet[] = ['code', 'summary'];

type Value = BenchReport['values'][string];

/** The cell that the bars are about. */
const BAR = { delayMs: 20, loss: 0 } as const;

/**
 * Above this many waiting processes a core the machine is busy with other things: a token then takes so long to compute that delay does not show, and
 * three tabs look as fast as one. This bench alone makes about one.
 */
export const MOST_LOAD_PER_CORE = 2;

const ratioOf = (answers: readonly Answer[]): number => median(answers.map(({ threeTabs, oneTab }) => threeTabs / oneTab));
const draftingRatioOf = (answers: readonly Answer[]): number => median(answers.map(({ speculative, oneTab }) => speculative / oneTab));
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

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
      three_tabs_drafting: median(group.map(({ speculative }) => speculative)),
      one_tab: median(group.map(({ oneTab }) => oneTab)),
      ratio: ratioOf(group),
      ratio_drafting: draftingRatioOf(group),
      drafted: sum(group.map(({ drafted }) => drafted)),
      accepted: sum(group.map(({ accepted }) => accepted)),
      first_token_ms: median(group.map(({ firstTokenMs }) => firstTokenMs)),
      load_per_core: median(group.map(({ loadPerCore }) => loadPerCore)),
      ratios: group.map(({ threeTabs, oneTab }) => (threeTabs / oneTab).toFixed(3)).join(' '),
      ratios_drafting: group.map(({ speculative, oneTab }) => (speculative / oneTab).toFixed(3)).join(' '),
    };
  });
}

/** What the bars are held against: the worst kind of question counts. */
export function valuesOf(answers: readonly Answer[]): Readonly<Record<'ratio_20ms_plain' | 'ratio_20ms_speculative', Value>> {
  const at = (set: PromptSet): readonly Answer[] => answers.filter(({ cell, set: of }) => of === set && cell.delayMs === BAR.delayMs && cell.loss === BAR.loss);
  const load = median(PROMPT_SET_NAMES.flatMap(at).map(({ loadPerCore }) => loadPerCore));
  const worst = (sets: readonly PromptSet[], ratio: (group: readonly Answer[]) => number): Value => {
    if (load > MOST_LOAD_PER_CORE) return { notMeasured: `the machine was busy with other things: ${load.toFixed(0)} processes waited for each core` };
    if (sets.some((set) => at(set).length === 0)) return { notMeasured: 'not every kind of question was asked at 20 ms' };
    return Math.min(...sets.map((set) => ratio(at(set))));
  };
  return { ratio_20ms_plain: worst(PROMPT_SET_NAMES, ratioOf), ratio_20ms_speculative: worst(REPEATING, draftingRatioOf) };
}
