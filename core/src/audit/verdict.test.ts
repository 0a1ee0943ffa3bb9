import { expect, it } from 'vitest';
import { verdictOf } from './verdict.ts';
import type { UnitCheck } from './check-unit.ts';
import type { Finding } from './transcript.ts';

const check = (finding: Finding | null, worstOfTau = 0.1, meanOfTau = 0.01): UnitCheck => ({ finding, worstOfTau, meanOfTau });
const bad = (unit: number, code: Finding['code'] = 'cells'): Finding => ({ unit, code, position: 16 * unit });
const wrongIds = (...positions: number[]) => ({ checked: 9, ambiguous: 2, wrong: positions.map((position) => ({ position, id: 7, gap: 0.25 })) });

it('A5, A6: a stage passes when no unit has a finding, with the largest figures of all units', () => {
  expect(verdictOf([check(null, 0.2, 0.01), check(null, 0.1, 0.04)], null)).toEqual({ passed: true, first: null, worstOfTau: 0.2, meanOfTau: 0.04 });
});

it('A5: the first unit that is wrong is named, in whatever order the units were looked at', () => {
  expect(verdictOf([check(null), check(bad(2)), check(bad(1)), check(bad(3))], null)).toMatchObject({ passed: false, first: bad(1) });
});

it('A7: a wrong id fails the stage and is named by position; ambiguous ids never do', () => {
  expect(verdictOf([check(null)], { checked: 9, ambiguous: 9, wrong: [] })).toMatchObject({ passed: true, first: null });
  expect(verdictOf([check(null)], wrongIds(40, 33)).first).toMatchObject({ unit: 2, code: 'sampled-id', position: 33, got: '7', expected: 'an id within the tolerance; this one is 0.25 off' });
});

it('A7: of one unit rows come before ids, of two the first unit does', () => {
  expect(verdictOf([check(bad(2))], wrongIds(33)).first?.code).toBe('cells');
  expect(verdictOf([check(bad(3))], wrongIds(33)).first?.code).toBe('sampled-id');
});

it('A4: a stage of which nothing was looked at has no verdict of its own to fail by', () => {
  expect(verdictOf([], null)).toEqual({ passed: true, first: null, worstOfTau: 0, meanOfTau: 0 });
});
