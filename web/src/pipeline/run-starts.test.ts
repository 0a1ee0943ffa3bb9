import { expect, test } from 'vitest';
import { RunStarts } from './run-starts.ts';

function runsAt(positions: number, ...starts: number[]): RunStarts {
  const runs = new RunStarts(positions);
  for (const start of starts) runs.add(start);
  return runs;
}

test('a run reaches to the start of the next one, or to the end that is asked for', () => {
  const runs = runsAt(40, 0, 16, 21, 22, 25);
  expect([0, 16, 21, 22, 25].map((position) => runs.countAt(position, 32))).toEqual([16, 5, 1, 3, 7]);
  expect(runs.countAt(16, 20)).toBe(4);
  expect([0, 16, 17, 40].map((end) => runs.runsBefore(end))).toEqual([0, 1, 2, 5]);
});

test('E7: a run that begins below others takes their place', () => {
  const runs = runsAt(40, 0, 16, 20, 24, 18);
  expect(runs.countAt(16, 40)).toBe(2);
  expect(runs.countAt(18, 40)).toBe(22);
});

test('what is taken over from another job is what lies below a position, in whatever room there is', () => {
  const runs = new RunStarts(20);
  runs.copy(runsAt(64, 0, 16, 17, 18), 18);
  expect([runs.runsBefore(20), runs.countAt(17, 20)]).toEqual([3, 3]);
  runs.copy(runsAt(64, 0, 1, 2, 40), 64);
  expect(runs.runsBefore(20)).toBe(3);
});
