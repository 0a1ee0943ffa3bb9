import { expect, it } from 'vitest';
import { readBars } from './bars.ts';
import { drawArrivals } from './coordinator/arrivals.ts';
import { computeMs, drawDevice } from './coordinator/devices.ts';
import { rowsOf, valuesOf } from './coordinator/report.ts';
import { seededNumbers } from '../tests/support/cheats/seeded-numbers.ts';
import type { Asked } from './coordinator/ask-jobs.ts';
import type { LoadedRun } from './coordinator/report.ts';

const FIVE_MINUTES = { perHour: 10_000, forMs: 300_000, tokens: [8, 12] as const };

it('draws the same arrivals from the same seed, as many as the rate makes, in order and within the time', () => {
  const arrivals = drawArrivals(1, FIVE_MINUTES);
  expect(drawArrivals(1, FIVE_MINUTES)).toEqual(arrivals);
  expect(drawArrivals(2, FIVE_MINUTES)).not.toEqual(arrivals);
  expect(arrivals).toHaveLength(833);
  expect(arrivals.every(({ atMs }, index) => atMs > (arrivals[index - 1]?.atMs ?? 0))).toBe(true);
  expect(arrivals.at(-1)?.atMs).toBeLessThan(300_000);
  expect([...new Set(arrivals.map(({ maxTokens }) => maxTokens))].toSorted((a, b) => a - b)).toEqual([8, 9, 10, 11, 12]);
});

it('devices differ in speed and memory, and compute as long as they said', () => {
  const random = seededNumbers(1, 'devices');
  const devices = Array.from({ length: 500 }, () => drawDevice(random, 100));
  const speeds = devices.map(({ profile }) => profile.layerMs);
  expect(Math.max(...speeds) / Math.min(...speeds)).toBeGreaterThan(6);
  expect(devices.some(({ profile }) => profile.memoryBudgetBytes === 0)).toBe(true);
  for (const { profile, scale } of devices.slice(0, 20)) {
    expect(computeMs({ count: 1 }, 10, scale)).toBeCloseTo(10 * profile.layerMs);
    expect(computeMs({ count: 16 }, 10, scale)).toBeCloseTo(10 * profile.layerMs16);
  }
});

const asked = (ok: boolean): Asked => ({ askedMs: 0, firstTextMs: ok ? 5 : undefined, endMs: 10, answer: ok ? { ok, job: 'x', text: '', finish: 'length', completionTokens: 8, cachedTokens: 0 } : { ok, status: 429, job: undefined, text: '', error: { message: '', type: '', code: null, param: null } } });
const memory = { residentBytes: 1e8, peakBytes: 2e8 };
const report = { say: 'report', cpuSeconds: 1, wallSeconds: 2, jobMs: [1, 2], placementMs: [30], setUpMs: [5, 50], waitedMs: [0, 1], loopP99Ms: 3, loopMostMs: 4 } as const;
const run = (change: Partial<LoadedRun> = {}): LoadedRun => ({
  database: 'x', perHour: 10_000, workers: 9, joinSeconds: 1, joining: { ...report, jobMs: [], placementMs: [], setUpMs: [], waitedMs: [] }, idle: memory, memory,
  load: { asked: [asked(true), asked(true), asked(false)], queue: [0], running: [1], rings: [3], busy: [1], seconds: 2 },
  served: { ...report, jobMs: [1, 2], placementMs: [30], setUpMs: [5, 50], waitedMs: [0, 1] },
  simulated: { say: 'report', cpuSeconds: 1, wallSeconds: 2, connected: 9, holding: 3, served: 3, rings: 1, left: 0, failedAttempts: 0, complaints: { late: 2 } },
  ...change,
});

it('answers every bar, a lost job does not count as answered, and of two databases the worse counts', async () => {
  const slower = run({ served: { ...run().served, setUpMs: [400] }, simulated: { ...run().simulated, connected: 7 } });
  const values = valuesOf([run(), slower]);
  expect(Object.keys(values).toSorted()).toEqual(Object.keys((await readBars())['coordinator'] ?? {}).toSorted());
  expect(values).toEqual({ decision_p99_ms: 30, jobs_per_hour: 3_600, workers_held: 7, setup_ms: 400 });
  const rows = rowsOf(run());
  expect(rows.find(({ figure }) => figure === 'jobs lost')?.['value']).toBe(1);
  expect(rows.find(({ figure }) => figure === 'dropped or refused messages')?.['value']).toBe(2);
});
