import { expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { FAILED_LOAD_REMEMBERED_MS, FAR_SLOWER } from './scheduler-limits.ts';
import { lapOf, WorkerBook } from './worker-book.ts';
import { nodeId } from './workers.fixture.ts';

const clock = new VirtualClock();
const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];
const ring = (said: readonly (number | undefined)[], lapMs?: number) => ({ stages: [one, two, three].map((worker, stage) => ({ worker, claimedMs: 10, saidMs: said[stage] })), lapMs, hopsMs: 6 });

it('a worker is as slow as its jobs say, after some of them, and is named once', () => {
  const book = new WorkerBook(clock);
  expect(book.slower(one)).toBe(1);
  expect(book.served(ring([100, 10, 12]))).toEqual([]);
  const named = Array.from({ length: 20 }, () => book.served(ring([100, 10, 12]))).flat();
  expect(named).toEqual([one]);
  expect(book.slower(one)).toBeGreaterThan(9);
  expect(book.slower(two)).toBeCloseTo(1);
  for (let job = 0; job < 40; job++) book.served(ring([10, 10, 12]));
  expect(book.slower(one)).toBeCloseTo(1, 1);
});

it('where a ring takes far longer than its stages say, each of them is taken to hide a part', () => {
  const book = new WorkerBook(clock);
  const laps = Array.from({ length: 30 }, () => book.served(ring([10, 10, 10], 936))).flat();
  expect(laps.toSorted()).toEqual([one, two, three]);
  expect(book.slower(two)).toBeGreaterThan(FAR_SLOWER);
  const honest = new WorkerBook(clock);
  for (let job = 0; job < 30; job++) expect(honest.served(ring([10, 10, 10], 90))).toEqual([]);
  expect(honest.slower(two)).toBeCloseTo(1);
});

it('a stage that says nothing, or nothing that can be a time, counts as it claimed', () => {
  const book = new WorkerBook(clock);
  book.served(ring([undefined, 0, Number.NaN]));
  expect([one, two, three].map((worker) => book.slower(worker))).toEqual([1, 1, 1]);
  book.served({ stages: [{ worker: one, claimedMs: 0, saidMs: 5 }], lapMs: undefined, hopsMs: 0 });
  expect(book.slower(one)).toBe(1);
});

it('a line is as quick as its fetches, small ones left out; memory is what could be loaded; who left is forgotten', () => {
  const book = new WorkerBook(clock);
  book.fetched(one, 1e6, 10);
  expect(book.bytesPerMs(one)).toBeUndefined();
  book.fetched(one, 10e6, 1_000);
  expect(book.bytesPerMs(one)).toBe(10_000);
  book.fetched(one, 10e6, 2_000);
  expect(book.bytesPerMs(one)).toBeCloseTo(8_500);
  expect(book.memory(one, 900)).toBe(900);
  book.failedLoad(one, 800);
  expect(book.memory(one, 900)).toBe(900);
  book.failedLoad(one, 800);
  book.failedLoad(one, 1_000);
  expect([book.memory(one, 900), book.memory(one, 100)]).toEqual([600, 100]);
  clock.advance(FAILED_LOAD_REMEMBERED_MS);
  expect(book.memory(one, 900)).toBe(900);
  book.failedLoad(one, 800);
  expect(book.memory(one, 900)).toBe(600);
  book.forget(one);
  expect([book.bytesPerMs(one), book.memory(one, 900), book.slower(one)]).toEqual([undefined, 900, 1]);
});

it('the time from id to id is told by enough of them only', () => {
  expect([lapOf(7, 10), lapOf(8, 10), lapOf(8, 0)]).toEqual([undefined, 100, undefined]);
});

it('W7: another claim does not change what its jobs showed; before any job the claim is what is known', () => {
  const book = new WorkerBook(clock);
  book.profiled(one, 10);
  book.profiled(one, 5);
  expect(book.slower(one)).toBe(1);
  for (let job = 0; job < 30; job++) book.served(ring([30, 10, 10]));
  const shown = 10 * book.slower(one);
  book.profiled(one, 10);
  const before = 10 * book.slower(one);
  book.profiled(one, 1);
  expect(1 * book.slower(one)).toBeCloseTo(before);
  book.profiled(one, 40);
  expect(40 * book.slower(one)).toBeCloseTo(before);
  expect(shown).toBeGreaterThan(25);
});

it('W6: the engine\'s share of a lap is a running mean over jobs, and unknown before', () => {
  const book = new WorkerBook(clock);
  const served = (engineShare?: number) => book.served({ stages: [{ worker: one, claimedMs: 10, saidMs: 10, engineShare }], lapMs: undefined, hopsMs: 0 });
  served();
  expect(book.engineShare(one)).toBeUndefined();
  served(0.5);
  expect(book.engineShare(one)).toBe(0.5);
  served(1);
  served();
  expect(book.engineShare(one)).toBeCloseTo(0.6);
});
