import { expect, it } from 'vitest';
import { Acceptance } from './acceptance.ts';

it('E5: a longer match is believed more, and no match nothing', () => {
  const acceptance = new Acceptance();
  expect([0, 1, 2, 3, 4, 8].map((match) => acceptance.of(match))).toEqual([0, 0.2, 0.7, 0.7, 0.85, 0.85]);
});

it('E5: what laps tell counts for matches of that length alone; drafts after the first wrong one were not tried', () => {
  const acceptance = new Acceptance();
  acceptance.note(1, 4, 0);
  acceptance.note(1, 2, 1);
  expect(acceptance.of(1)).toBeCloseTo((0.8 + 1) / (4 + 1 + 2));
  expect(acceptance.of(2)).toBe(0.7);
  acceptance.note(0, 1, 1);
  expect(acceptance.of(0)).toBe(0);
});

it('E5: drafts that never come true are believed less and less', () => {
  const acceptance = new Acceptance();
  for (let lap = 0; lap < 100; lap++) acceptance.note(8, 5, 0);
  expect(acceptance.of(8)).toBeLessThan(0.04);
});
