import { expect, test } from 'vitest';
import { LapGroups } from './lap-groups.ts';
import { EXPLORE_AGAIN_MS, HOLD_MOST_MS } from './stage-limits.ts';

/** Milliseconds of a run of so many rows at one stage: weights are read once, what is each row's own comes on top. */
const runMs = (rows: number): number => 20 + 4 * (rows - 1);

/** What a simulated ring does with the rows that wait at its first stage: how many may leave. */
type Gate = (waiting: readonly string[], out: number, now: number) => number;

/**
 * A ring of three stages on `processors`, which take runs in the order in which they came. Gives rows a second over the last half of the time.
 * `groups` is told what the first stage sees.
 */
function ringRate(processors: number, jobs: number, gate: Gate, groups: LapGroups, forMs = 60_000): number {
  const processorFree = new Array<number>(processors).fill(0);
  const stageFree = [0, 0, 0];
  // Jobs did not begin together.
  const runs: { readonly endsAt: number; readonly stage: number; readonly rows: readonly string[] }[] = Array.from({ length: jobs }, (_, job) => ({ endsAt: 7 * job, stage: 2, rows: [`job ${job}`] }));
  const begin = (stage: number, rows: readonly string[], now: number): void => {
    const processor = processorFree.indexOf(Math.min(...processorFree));
    const endsAt = Math.max(now, processorFree[processor] ?? 0, stageFree[stage] ?? 0) + runMs(rows.length);
    processorFree[processor] = stageFree[stage] = endsAt;
    runs.push({ endsAt, stage, rows });
  };
  let waiting: string[] = [];
  let [now, out, counted] = [0, jobs, 0];
  while (now < forMs) {
    while (waiting.length > 0 && (stageFree[0] ?? 0) <= now) {
      const rows = waiting.slice(0, gate(waiting, out, now));
      if (rows.length === 0) break;
      waiting = waiting.slice(rows.length);
      out += rows.length;
      groups.left(rows);
      begin(0, rows, now);
    }
    runs.sort((a, b) => a.endsAt - b.endsAt);
    const run = runs.shift();
    if (run === undefined) throw new Error(`nothing moves any more at ${now} ms: ${waiting.length} rows wait`);
    now = run.endsAt;
    if (run.stage < 2) begin(run.stage + 1, run.rows, now);
    else {
      out -= run.rows.length;
      if (now > forMs / 2) counted += run.rows.length;
      for (const job of run.rows) {
        waiting.push(job);
        groups.returned(job, waiting.length, now);
      }
    }
  }
  return (1000 * counted) / (forMs / 2);
}

const fixed = (groups: number, jobs: number): Gate => (waiting, out) => (groups >= jobs ? waiting.length : out / Math.ceil(jobs / groups) < groups ? Math.ceil(jobs / groups) : 0);

test.each([
  [1, 4],
  [2, 4],
  [3, 4],
  [1, 3],
  [2, 8],
  [3, 2],
])('E2: three stages on %i processors, %i jobs: the ring is nearly as quick as with the best number of groups', (processors, jobs) => {
  const rates = Array.from({ length: jobs }, (_, index) => ringRate(processors, jobs, fixed(index + 1, jobs), new LapGroups()));
  const groups = new LapGroups();
  const rate = ringRate(processors, jobs, (waiting, _, now) => groups.mayLeave(waiting.length, now), groups);
  expect(rate).toBeGreaterThan(0.93 * Math.max(...rates));
});

test('E2: on one processor four jobs go round together and give far more than each as it comes', () => {
  const groups = new LapGroups();
  const rate = ringRate(1, 4, (waiting, _, now) => groups.mayLeave(waiting.length, now), groups);
  expect(rate).toBeGreaterThan(1.7 * ringRate(1, 4, () => 1, new LapGroups()));
});

/** Four jobs that were measured, on one processor, so that all go together. */
function settled(): { groups: LapGroups; now: number } {
  const groups = new LapGroups();
  ringRate(1, 4, (waiting, _, now) => groups.mayLeave(waiting.length, now), groups, EXPLORE_AGAIN_MS / 2);
  for (const job of ['job 0', 'job 1', 'job 2', 'job 3']) groups.gone(job);
  const now = EXPLORE_AGAIN_MS / 2;
  groups.left(['job 0', 'job 1', 'job 2', 'job 3']);
  return { groups, now };
}

test('a row waits for those that are on their way, and for none that is over', () => {
  const { groups, now } = settled();
  groups.returned('job 0', 1, now + 1);
  expect(groups.mayLeave(1, now + 1)).toBe(0);
  groups.returned('job 1', 2, now + 2);
  groups.returned('job 2', 3, now + 2);
  expect(groups.mayLeave(3, now + 2)).toBe(0);
  groups.gone('job 3');
  expect(groups.mayLeave(3, now + 3)).toBe(3);
});

test('a row that never comes back holds the others up once', () => {
  const { groups, now } = settled();
  for (const job of [0, 1, 2]) groups.returned(`job ${job}`, job + 1, now);
  expect(groups.mayLeave(3, now)).toBe(0);
  expect(groups.mayLeave(3, now + HOLD_MOST_MS - 1)).toBe(0);
  expect(groups.mayLeave(3, now + HOLD_MOST_MS)).toBe(3);
  groups.left(['job 0', 'job 1', 'job 2']);
  for (const job of [0, 1, 2]) groups.returned(`job ${job}`, job + 1, now + 2_000);
  expect(groups.mayLeave(3, now + 2_000)).toBe(3);
});

test('one job alone never waits', () => {
  const groups = new LapGroups();
  for (let now = 0; now < 10_000; now += 30) {
    expect(groups.mayLeave(1, now)).toBe(1);
    groups.left(['job']);
    groups.returned('job', 1, now + 29);
  }
});
