import { expect, test } from 'vitest';
import { summarise } from './honest-values.ts';
import { NOTHING_COMPARED } from './stages-compare.ts';
import type { HonestResult } from './honest.ts';

const MODELS = ['smollm2', 'seeded'] as const;
const result = (change: Partial<HonestResult>): HonestResult => ({
  ...NOTHING_COMPARED, model: 'seeded', pair: 'Node v. Chromium', engine: 'Chromium', stage: 'first', prompts: 200, rows: 12_800, bitEqual: 12_800, units: 800, unitMisses: 0, idsChecked: 0, idsAmbiguous: 0, idsWrong: 0, near: 0, fraudProofs: 0, ...change,
});
const BROWSERS = [result({}), result({ engine: 'Firefox', pair: 'Chromium v. Firefox' }), result({ engine: 'WebKit', pair: 'Chromium v. WebKit' })];

test('the smallest pair and the worst match decide', () => {
  const values = summarise([...BROWSERS, result({ stage: 'last' }), result({ pair: 'WASM v. native CPU', engine: 'native CPU', unitMisses: 4, rows: 6_000, prompts: 150 })], new Map(), 1, MODELS);
  expect(values).toMatchObject({ honest_rows: 6_000, honest_prompts: 150, honest_match_percent: 99.5, fraud_proofs: 0, reference_engines: 3 });
});

test('a browser with other bits is no reference engine', () => {
  expect(summarise([...BROWSERS, result({ engine: 'WebKit', pair: 'Firefox v. WebKit', bitEqual: 12_799 })], new Map(), 1, MODELS)['reference_engines']).toBe(2);
});

test('what this machine lacks is not measured, never met', () => {
  const values = summarise(BROWSERS.slice(0, 1), new Map([['WebKit', 'it is not installed'], ['native WebGPU', 'no graphics device']]), 1, MODELS);
  expect(values).toMatchObject({ reference_engines: { notMeasured: 'WebKit: it is not installed' }, hardware_gpu_rows: { notMeasured: 'no graphics device' }, swiftshader_rejects: { notMeasured: 'no such pair was run' } });
});

test('a twentieth answers no bar about counts', () => {
  const values = summarise(BROWSERS, new Map(), 20, MODELS);
  expect([values['honest_rows'], values['honest_prompts'], values['swiftshader_rows']].every((value) => typeof value === 'object')).toBe(true);
  expect(values['honest_match_percent']).toBe(100);
});
