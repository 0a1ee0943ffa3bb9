import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dealStandby } from './deal-standby.ts';
import { MAX_SPARES_A_RANGE } from './scheduler-limits.ts';
import { sameRange } from './slot.ts';
import { nodeId } from './workers.fixture.ts';
import type { StandbyRange, StandbySpare } from './deal-standby.ts';

const SEED = 20_271;
const range = (place: number, change: Partial<StandbyRange> = {}): StandbyRange => ({ from: 2 * place, to: 2 * place + 2, bytes: 10, reputation: 1, ...change });
const spare = (n: number, change: Partial<StandbySpare> = {}): StandbySpare => ({ nodeId: nodeId(n), memoryBudgetBytes: 100, layerMs: 1, holds: undefined, ...change });
const RING = [range(0), range(1, { bytes: 30 }), range(2, { bytes: 20 })];
/** First layer of each spare's range, by number. */
const dealt = (ranges: readonly StandbyRange[], spares: readonly StandbySpare[], keepOnly = false): Record<number, number> =>
  Object.fromEntries([...dealStandby(ranges, spares, keepOnly)].map(([node, { from }]) => [Number.parseInt(node, 16), from]));

it('the first spare gets the range of the worker with the poorest reputation; of equals the largest', () => {
  expect(dealt(RING, [spare(1)])).toEqual({ 1: 2 });
  expect(dealt([range(0, { reputation: 0.2 }), range(1, { bytes: 30 })], [spare(1)])).toEqual({ 1: 0 });
});

it('the range that comes first gets the least budget that suffices, of equals the fastest, then the first by id', () => {
  expect(dealt(RING, [spare(1, { memoryBudgetBytes: 500 }), spare(2, { memoryBudgetBytes: 60 })])).toEqual({ 1: 4, 2: 2 });
  expect(dealt(RING, [spare(1), spare(2, { layerMs: 0.5 })])).toEqual({ 1: 4, 2: 2 });
  expect(dealt(RING, [spare(2), spare(1)])).toEqual({ 1: 2, 2: 4 });
});

it('a budget must hold the range and the largest of the ring, which an audit may load', () => {
  expect(dealt(RING, [spare(1, { memoryBudgetBytes: 39 })])).toEqual({});
  expect(dealt(RING, [spare(1, { memoryBudgetBytes: 40 })])).toEqual({ 1: 0 });
  expect(dealt(RING, [spare(1, { memoryBudgetBytes: 60 })])).toEqual({ 1: 2 });
});

it('of a thousand spares so many a range begin to load it, and who holds one keeps it', () => {
  const many = Array.from({ length: 1_000 }, (_, n) => spare(n + 1));
  const counts = (all: readonly StandbySpare[]) => RING.map(({ from }) => Object.values(dealt(RING, all)).filter((each) => each === from).length);
  expect(counts(many)).toEqual([MAX_SPARES_A_RANGE, MAX_SPARES_A_RANGE, MAX_SPARES_A_RANGE]);
  const holding = many.map((each, n) => (n < 20 ? { ...each, holds: { from: 0, to: 2, ready: true } } : each));
  expect(counts(holding)).toEqual([20, MAX_SPARES_A_RANGE, MAX_SPARES_A_RANGE]);
});

it('while the ring loads, ranges that spares have are kept and none is dealt', () => {
  expect(dealt(RING, [spare(1, { holds: { from: 0, to: 2, ready: true } }), spare(2)], true)).toEqual({ 1: 0 });
});

it('a second holder moves to a range that nobody else can take: one that has not loaded its own yet before one that has', () => {
  const holds = { from: 0, to: 2 };
  expect(dealt(RING.slice(0, 2), [spare(1, { holds: { ...holds, ready: true } }), spare(2, { holds: { ...holds, ready: false } })])).toEqual({ 1: 0, 2: 2 });
  expect(dealt(RING.slice(0, 2), [spare(1, { holds: { ...holds, ready: true } }), spare(2, { holds: { ...holds, ready: true } }), spare(3)])).toEqual({ 1: 0, 2: 0, 3: 2 });
});

it('without a ring nobody stands by', () => {
  expect(dealt([], [spare(1)])).toEqual({});
});

const spares = fc.uniqueArray(fc.record({ n: fc.integer({ min: 1, max: 40 }), memoryBudgetBytes: fc.integer({ min: 0, max: 120 }), layerMs: fc.integer({ min: 1, max: 3 }), place: fc.option(fc.integer({ min: 0, max: 5 })), ready: fc.boolean() }), { selector: ({ n }) => n, maxLength: 12 });
const ranges = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 60 }), reputation: fc.constantFrom(0, 0.5, 1) }), { minLength: 1, maxLength: 5 });

it('is the same for spares in any order, never over a budget, covers before it doubles, stays as it is, and never takes a range away for nothing', () => {
  fc.assert(
    fc.property(ranges, spares, (given, made) => {
      const ring = given.map((each, place) => range(place, each));
      const here = made.map(({ n, place, ready, ...rest }) => spare(n, { ...rest, holds: place === null ? undefined : { ...range(place), ready } }));
      const result = dealStandby(ring, here, false);
      expect([...dealStandby(ring, here.toReversed(), false)].toSorted()).toEqual([...result].toSorted());
      const again = here.map((each) => ({ ...each, holds: result.has(each.nodeId) ? { ...range(0), ...result.get(each.nodeId), ready: true } : undefined }));
      expect([...dealStandby(ring, again, false)].toSorted()).toEqual([...result].toSorted());
      const audit = Math.max(...ring.map(({ bytes }) => bytes));
      const fits = (each: StandbySpare, wanted: StandbyRange): boolean => wanted.bytes + audit <= each.memoryBudgetBytes;
      const holders = (wanted: StandbyRange) => here.filter(({ nodeId: node }) => result.get(node) === wanted);
      for (const wanted of ring) {
        for (const holder of holders(wanted)) expect(fits(holder, wanted)).toBe(true);
        if (holders(wanted).length > 0) continue;
        for (const each of here.filter((candidate) => fits(candidate, wanted))) {
          const own = result.get(each.nodeId);
          expect(own !== undefined && holders(own).length === 1).toBe(true);
        }
      }
      for (const each of here) {
        const kept = ring.find((wanted) => sameRange(each.holds, wanted));
        const now = result.get(each.nodeId);
        if (kept !== undefined && fits(each, kept) && now !== kept) expect(now !== undefined && holders(now).length === 1 && holders(kept).length > 0).toBe(true);
      }
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});
