import { expect, it } from 'vitest';
import { RUN_WATCH_MS, RunWatch } from './run-watch.ts';
import type { RunProgress } from '../worker/compute-api.ts';

/** A compute worker and a page whose time moves only when a test says so. */
function setup() {
  const worker = { runs: 0, running: false, slowestMs: 0, blocked: false };
  const said: string[] = [];
  let now = 0;
  let tick: (() => void) | undefined;
  let asked = 0;
  const watch = new RunWatch({
    progress: () => {
      asked++;
      const { blocked, ...progress } = worker;
      return blocked ? new Promise<RunProgress>(() => undefined) : Promise.resolve(progress);
    },
    now: () => now,
    every: (_ms, task) => {
      tick = task;
      return () => (tick = undefined);
    },
    stuck: (message) => said.push(message),
  });
  const pass = async (ms: number, step = RUN_WATCH_MS) => {
    for (const end = now + ms; now < end; ) {
      now += step;
      tick?.();
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  const sleep = (ms: number) => (now += ms);
  return { watch, worker, said, pass, sleep, isTicking: () => tick !== undefined, asked: () => asked };
}

it('G4: a worker that does not answer for two seconds is stuck, and nobody watches it any more', async () => {
  const { watch, worker, said, pass, isTicking } = setup();
  watch.began('a');
  await pass(3_000);
  worker.blocked = true;
  await pass(2_000);
  expect(said).toEqual([]);
  await pass(2 * RUN_WATCH_MS);
  expect(said).toEqual([expect.stringContaining('has not answered for 2.')]);
  expect(isTicking()).toBe(false);
});

it('G4: so is one that answers, and is at the same run all the time, as with a graphics device that hangs', async () => {
  const { watch, worker, said, pass } = setup();
  watch.began('a');
  Object.assign(worker, { runs: 7, running: true });
  await pass(3_500);
  expect(said).toEqual([expect.stringContaining('at run 7')]);
});

it('runs that come to an end are not stuck, however many, nor is a worker without any', async () => {
  const { watch, worker, said, pass } = setup();
  watch.began('a');
  for (let run = 1; run <= 40; run++) {
    Object.assign(worker, { runs: run, running: true });
    await pass(RUN_WATCH_MS);
  }
  worker.running = false;
  await pass(60_000);
  expect(said).toEqual([]);
});

it.each([
  ['measured', { chunkMs: 1_500, firstMs: 0 }, 0, 2, 6_000],
  ['seen', { chunkMs: 10, firstMs: 0 }, 2_000, 2, 8_000],
  ['the first one of a graphics driver', { chunkMs: 10, firstMs: 2_500 }, 0, 1, 10_000],
  ['predicted to be short', { chunkMs: 10, firstMs: 2_500 }, 0, 2, 2_000],
] as const)('G4: four times the prediction is waited for: %s', async (_what, prediction, slowestMs, runs, limitMs) => {
  const { watch, worker, said, pass } = setup();
  watch.expect(prediction);
  watch.began('a');
  Object.assign(worker, { runs, slowestMs });
  await pass(RUN_WATCH_MS);
  worker.blocked = true;
  await pass(limitMs);
  expect(said).toEqual([]);
  await pass(2 * RUN_WATCH_MS);
  expect(said).toHaveLength(1);
});

it('a page that was suspended holds its sleep against nobody', async () => {
  const { watch, worker, said, pass, sleep } = setup();
  watch.began('a');
  Object.assign(worker, { runs: 1, running: true });
  await pass(RUN_WATCH_MS);
  sleep(3_600_000);
  await pass(RUN_WATCH_MS);
  expect(said).toEqual([]);
});

it('asks while there are jobs, and not once they are over or given up', async () => {
  const { watch, said, pass, isTicking, asked, worker } = setup();
  watch.began('a');
  watch.began('b');
  watch.ended('a');
  await pass(2_000);
  expect(asked()).toBe(4);
  watch.ended('b');
  expect(isTicking()).toBe(false);
  watch.began('c');
  worker.blocked = true;
  await pass(1_000);
  watch.clear();
  worker.blocked = false;
  watch.began('d');
  await pass(10_000);
  expect(said).toEqual([]);
});
