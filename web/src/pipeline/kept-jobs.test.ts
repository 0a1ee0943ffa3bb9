import { expect, test } from 'vitest';
import { KeptJobs } from './kept-jobs.ts';
import { KeptRows } from './kept-rows.ts';
import { RetainedRows } from './retained-rows.ts';
import { RunStarts } from './run-starts.ts';
import { MAX_KEPT_JOBS, RETAIN_DRAWN_MS, RETAIN_UNREVEALED_MS } from './stage-limits.ts';
import type { JobId } from '@ciro/core/ids.ts';

const WIDTH = 4;
const jobAt = (index: number): JobId => index.toString(16).padStart(32, '0') as JobId;
/** 33 bytes a position. */
const rowsOf = (job: number, positions = 10): KeptRows =>
  new KeptRows({ job: jobAt(job), version: 1, positions, inputs: RetainedRows.ofRows(positions, WIDTH), outputs: RetainedRows.ofRows(positions, WIDTH), following: undefined, runs: new RunStarts(positions) });

function setup(budgetBytes = 1e6) {
  const clock = { now: 0 };
  return { clock, kept: new KeptJobs(budgetBytes, () => clock.now) };
}

const isKept = (kept: KeptJobs, job: number): boolean => kept.find(jobAt(job), 1) !== undefined;

test('rows stay until they are released, or nothing was heard of their roots', () => {
  const { kept, clock } = setup();
  for (const job of [1, 2, 3]) kept.keep(rowsOf(job));
  expect(kept.heldBytes).toBe(3 * 330);
  kept.release(jobAt(1), 1);
  kept.release(jobAt(1), 1);
  kept.extend(jobAt(2), 1, RETAIN_DRAWN_MS);
  clock.now = RETAIN_UNREVEALED_MS;
  expect([1, 2, 3].map((job) => isKept(kept, job))).toEqual([false, true, false]);
  expect(kept.heldBytes).toBe(330);
  clock.now = RETAIN_DRAWN_MS;
  expect(isKept(kept, 2)).toBe(false);
  expect(kept.heldBytes).toBe(0);
});

test('the oldest are given back beyond the budget of bytes, beyond the count, and when a job needs the room', () => {
  const { kept } = setup(1_000);
  for (const job of [1, 2, 3, 4]) kept.keep(rowsOf(job));
  expect([1, 2, 3, 4].map((job) => isKept(kept, job))).toEqual([false, true, true, true]);
  kept.giveBackTo(700);
  expect([2, 3, 4].map((job) => isKept(kept, job))).toEqual([false, true, true]);
  // What is larger than the whole budget is not kept, and takes nothing else with it.
  kept.keep(rowsOf(5, 40));
  expect([3, 4, 5].map((job) => isKept(kept, job))).toEqual([true, true, false]);
  const many = setup().kept;
  for (let job = 0; job <= MAX_KEPT_JOBS; job++) many.keep(rowsOf(job));
  expect([isKept(many, 0), isKept(many, 1), isKept(many, MAX_KEPT_JOBS)]).toEqual([false, true, true]);
});

test('a busy worker\'s kept rows never grow past the budget', () => {
  const { kept, clock } = setup(10_000);
  let most = 0;
  for (let job = 0; job < 500; job++) {
    clock.now += 100;
    kept.keep(rowsOf(job, 1 + (job % 40)));
    most = Math.max(most, kept.heldBytes);
  }
  expect(most).toBeLessThanOrEqual(10_000);
  expect(most).toBeGreaterThan(8_000);
});

test('a job that was cut short keeps only the part of its buffers that was used', () => {
  const inputs = RetainedRows.ofRows(1_000, WIDTH);
  inputs.at(3).fill(7);
  const short = inputs.upTo(10);
  expect(short.heldBytes).toBe(10 * 4 * WIDTH);
  expect([...short.at(3)]).toEqual([7, 7, 7, 7]);
  // Copying for less than half is not worth it: the whole buffer is kept, and counted.
  expect(inputs.upTo(600).heldBytes).toBe(1_000 * 4 * WIDTH);
});
