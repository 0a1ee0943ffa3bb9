import { expect, it } from 'vitest';
import { CELLS } from './cells.ts';
import { PROMPT_SET_NAMES, PROMPT_SETS } from './prompts.ts';
import { MOST_LOAD_PER_CORE, rowsOf, valuesOf } from './report.ts';
import type { Answer } from './cells.ts';

const answer = (change: Partial<Answer>): Answer => ({ cell: { delayMs: 20, loss: 0 }, set: 'chat', threeTabs: 10, speculative: 12, oneTab: 20, drafted: 8, accepted: 6, firstTokenMs: 900, loadPerCore: 0.8, ...change });

it('holds the worst kind of question at 20 ms without loss against the bar, each kind by its middle answer', () => {
  const answers = [answer({}), answer({ threeTabs: 2 }), answer({ threeTabs: 12 }), answer({ set: 'code', threeTabs: 8, speculative: 9 }), answer({ set: 'summary', threeTabs: 9, speculative: 16 }), answer({ cell: { delayMs: 50, loss: 0 }, threeTabs: 1 })];
  expect(valuesOf(answers)).toEqual({ ratio_20ms_plain: 0.4, ratio_20ms_speculative: 0.45 });
  expect(rowsOf(answers)[0]).toMatchObject({ delay_ms: 20, loss_percent: 0, questions: 'chat', answers: 3, three_tabs: 10, one_tab: 20, ratio: 0.5, ratios: '0.500 0.100 0.600', ratio_drafting: 0.6, drafted: 24, accepted: 18 });
});

it('claims nothing when a kind is missing', () => {
  const missing = { notMeasured: 'not every kind of question was asked at 20 ms' };
  expect(valuesOf([answer({})])).toEqual({ ratio_20ms_plain: missing, ratio_20ms_speculative: missing });
  expect(valuesOf([answer({ set: 'code' }), answer({ set: 'summary' })])).toEqual({ ratio_20ms_plain: missing, ratio_20ms_speculative: 0.6 });
});

it('claims nothing of a machine that was busy with other things: delay does not show there', () => {
  const busy = PROMPT_SET_NAMES.map((set) => answer({ set, threeTabs: 20, loadPerCore: MOST_LOAD_PER_CORE + 13 }));
  expect(valuesOf(busy).ratio_20ms_plain).toEqual({ notMeasured: 'the machine was busy with other things: 15 processes waited for each core' });
});

it('has every delay with every loss, and as many questions of each kind', () => {
  expect(CELLS).toHaveLength(12);
  for (const set of PROMPT_SET_NAMES) expect(PROMPT_SETS[set]).toHaveLength(2);
});
