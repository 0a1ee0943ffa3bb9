import { expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { Assignments } from './assignments.ts';
import { SHARDS_STALLED_MS } from './scheduler-limits.ts';
import { FakeWorkers, MODEL_ID, OTHER_MODEL_ID } from './workers.fixture.ts';

const RANGE = { from: 2, to: 4 };

function setup() {
  const clock = new VirtualClock();
  const workers = new FakeWorkers();
  const heard: string[] = [];
  const assignments = new Assignments(clock, workers, { loaded: () => heard.push('loaded'), failed: (_worker, reason) => heard.push(reason) });
  const worker = workers.join(1);
  const say = (assignment: number, state: 'loading' | 'ready' | 'failed', loadedBytes = 1) => assignments.shards(worker, { type: 'shards', assignment, state, loadedBytes, totalBytes: 9, fetchedBytes: 0 });
  return { clock, workers, assignments, worker, heard, say, told: () => workers.sentOf('assign').map(({ assignment, layers, standby }) => [assignment, layers, standby]) };
}

it('numbers what it tells, and tells nothing twice', () => {
  const { assignments, worker, told } = setup();
  const holder = assignments.give(worker, MODEL_ID, RANGE, true);
  expect(assignments.give(worker, MODEL_ID, RANGE, true)).toBe(holder);
  assignments.takeAway(worker, MODEL_ID);
  assignments.takeAway(worker, MODEL_ID);
  expect(told()).toEqual([[1, [2, 4], true], [2, null, false]]);
  assignments.forget(worker);
  assignments.takeAway(worker, MODEL_ID);
  expect(told()).toHaveLength(3);
});

it('what is loaded stays loaded when a worker enters the ring with it; another range or model begins anew', () => {
  const { clock, assignments, worker, say } = setup();
  assignments.give(worker, MODEL_ID, RANGE, true);
  clock.advance(7);
  say(1, 'ready', 9);
  expect(assignments.of(worker)?.holder).toMatchObject({ ready: true, readyMs: 7 });
  expect(assignments.give(worker, MODEL_ID, RANGE, false)).toMatchObject({ assignment: 2, ready: true, readyMs: 0, loadedBytes: 9 });
  expect(clock.pending).toBe(0);
  expect(assignments.give(worker, OTHER_MODEL_ID, RANGE, false)).toMatchObject({ ready: false, loadedBytes: 0 });
  expect(assignments.give(worker, OTHER_MODEL_ID, { from: 2, to: 5 }, false)).toMatchObject({ ready: false });
});

it('only the newest assignment counts, and one that was never made is said to be', () => {
  const { assignments, worker, heard, say } = setup();
  assignments.give(worker, MODEL_ID, RANGE, true);
  assignments.give(worker, MODEL_ID, { from: 0, to: 2 }, false);
  expect([say(1, 'failed'), say(2, 'ready'), say(3, 'ready')]).toEqual([true, true, false]);
  expect(heard).toEqual(['loaded']);
});

it('a load that fails or stands still is told, one that goes on is not', () => {
  const { clock, assignments, worker, heard, say } = setup();
  assignments.give(worker, MODEL_ID, RANGE, true);
  clock.advance(SHARDS_STALLED_MS - 1);
  say(1, 'loading', 5);
  clock.advance(SHARDS_STALLED_MS - 1);
  expect(heard).toEqual([]);
  clock.advance(1);
  say(1, 'failed');
  expect(heard).toEqual([expect.stringContaining('got no further'), expect.stringContaining('could not be loaded')]);
  assignments.close();
  expect(clock.pending).toBe(0);
});
