import { expect, it } from 'vitest';
import { buildScoreGraph } from '@ciro/core/model/graph/score-graphs.ts';
import { lineText, scoresText } from './fresh-text.ts';

const fresh = (downBytesPerMs: number | null, upBytesPerMs: number | null) => ({ line: { downBytesPerMs, upBytesPerMs }, scores: undefined });

it('tells a line as far as it was measured', () => {
  expect([fresh(2_500, 1_250), fresh(2_500, null), fresh(null, 1_250), fresh(null, null)].map(lineText)).toEqual(['20 Mbit/s down, 10 up', '20 Mbit/s down', '10 Mbit/s up', '']);
});

it('W4: tells scores by what they are good for, and what does not run here', () => {
  const ms = { bert: buildScoreGraph('bert').flops / 4e6, resnet: null, whisper: buildScoreGraph('whisper').flops / 2e6 };
  expect(scoresText({ ...fresh(null, null), scores: { engine: 'wasm', ms } })).toBe('text 4, image does not run, speech 2 GFLOP/s');
  expect(scoresText(fresh(null, null))).toBe('');
});
