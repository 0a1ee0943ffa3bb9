import { expect, it } from 'vitest';
import { RingWatch } from './ring-watch.ts';
import { LATE_LOOK_MS, PROBE_AFTER_LAPS, PROBE_AFTER_MS, UNPACED_REPLY_MS } from './scheduler-limits.ts';
import { nodeId } from './workers.fixture.ts';

const WORKERS = [1, 2, 3].map(nodeId);
/** A ring from which nothing came, that was asked when it was due. */
function asked(): RingWatch {
  const watch = new RingWatch(WORKERS, 0);
  expect(watch.tick(PROBE_AFTER_MS)).toEqual({ probe: WORKERS });
  return watch;
}
const DUE = PROBE_AFTER_MS + UNPACED_REPLY_MS;

it('G3: who has not answered when it is due is silent', () => {
  const watch = asked();
  expect(watch.alive(nodeId(2), 700)).toBe(false);
  expect(watch.tick(DUE - 1)).toBeUndefined();
  expect(watch.tick(DUE + LATE_LOOK_MS)).toEqual({ silent: [nodeId(1), nodeId(3)] });
});

it('G3: a coordinator that looks late waits once more for answers that it has not read, as long as it was late', () => {
  const watch = asked();
  const late = DUE + 2_000;
  expect(watch.tick(late)).toBeUndefined();
  expect(watch.deadline).toBe(late + 2_000);
  for (const worker of WORKERS.slice(0, 2)) expect(watch.alive(worker, late + 1)).toBe(false);
  expect(watch.tick(late + 9_000)).toEqual({ silent: [nodeId(3)] });
});

it('G3: everybody who answered before the late look is there', () => {
  const watch = asked();
  watch.tick(DUE + 2_000);
  expect(WORKERS.map((worker) => watch.alive(worker, DUE + 2_001))).toEqual([false, false, true]);
  expect(watch.tick(DUE + 2_001)).toBeUndefined();
});

it('G3, E5: ids of one lap are one lap, however many they are: a ring is not asked sooner because drafts came true', () => {
  const [slow, drafted] = [new RingWatch(WORKERS, 0), new RingWatch(WORKERS, 0)];
  for (let lap = 0; lap <= 5; lap++) {
    slow.lapped(200 * lap);
    for (let id = 0; id < 4; id++) drafted.lapped(200 * lap + id);
  }
  expect(slow.deadline).toBe(1_000 + PROBE_AFTER_MS + PROBE_AFTER_LAPS * 200);
  expect(drafted.deadline - slow.deadline).toBe(3);
});
