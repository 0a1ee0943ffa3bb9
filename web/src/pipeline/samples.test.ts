import { expect, test } from 'vitest';
import { Samples } from './samples.ts';
import { STATISTIC_SAMPLES } from './stage-limits.ts';

test('percentiles are nearest ranks; without samples they are 0', () => {
  const samples = new Samples();
  expect(samples.percentiles()).toEqual({ p50: 0, p95: 0 });
  samples.add(7);
  expect(samples.percentiles()).toEqual({ p50: 7, p95: 7 });
  for (let value = 1; value <= 99; value++) samples.add(value);
  expect(samples.percentiles()).toEqual({ p50: 49, p95: 94 });
});

test('only the newest samples count, so a long job takes no more memory than a short one', () => {
  const samples = new Samples();
  for (let index = 0; index < STATISTIC_SAMPLES; index++) samples.add(1000);
  for (let index = 0; index < STATISTIC_SAMPLES; index++) samples.add(1);
  expect(samples.percentiles()).toEqual({ p50: 1, p95: 1 });
});
