import { expect, it } from 'vitest';
import { Drafter } from './drafter.ts';

/** Ten layers of thirty, whose rows take 8 ms, and laps of `lapMs` so far. */
function setup({ lapMs = 100, most = 15, stopIds = [] as readonly number[], laps = 3 } = {}): { drafter: Drafter; begin: (ids: readonly number[], room?: number, alone?: boolean) => number[]; over: (accepted: number) => void } {
  const drafter = new Drafter({ most, stagesShare: 3, stopIds });
  let now = 0;
  const begin = (ids: readonly number[], room = 100, alone = true): number[] => [...drafter.begin(Uint32Array.from(ids), room, alone, now)];
  const over = (accepted: number): void => drafter.over(accepted, (now += lapMs));
  for (let lap = 0; lap < laps; lap++) {
    begin([lap]);
    drafter.ran(1, 8);
    over(0);
  }
  return { drafter, begin, over };
}
const COPY = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5];

it('E5: drafts nothing before a lap was timed', () => {
  expect(setup({ laps: 0 }).begin(COPY)).toEqual([]);
  expect(setup({ laps: 1 }).begin(COPY).slice(0, 3)).toEqual([6, 7, 8]);
});

it('E5: drafts more on a slow line than without delay, and nothing where nothing was met before', () => {
  const [slow, quick] = [setup().begin(COPY).length, setup({ lapMs: 34 }).begin(COPY).length];
  expect(slow).toBeGreaterThan(quick);
  expect(quick).toBeGreaterThan(0);
  expect(setup().begin([1, 2, 3])).toEqual([]);
});

it('E5: drafts no more than there is room for and than is allowed, and none while others share the stage', () => {
  expect(setup().begin(COPY, 2)).toEqual([6, 7]);
  expect(setup().begin(COPY, 0)).toEqual([]);
  expect(setup({ most: 1 }).begin(COPY)).toEqual([6]);
  expect(setup().begin(COPY, 100, false)).toEqual([]);
});

it('E5: drafts no stop id and nothing behind one', () => {
  expect(setup({ stopIds: [8] }).begin(COPY)).toEqual([6, 7]);
  expect(setup({ stopIds: [6] }).begin(COPY)).toEqual([]);
});

it('E5: stops drafting what never comes true, and goes on with what does', () => {
  const { begin, over } = setup();
  let laps = 0;
  for (; begin(COPY).length > 0 && laps < 100; laps++) over(0);
  expect(laps).toBeGreaterThan(3);
  expect(laps).toBeLessThan(60);
  const other = setup();
  for (let lap = 0; lap < 100; lap++) {
    const { length } = other.begin(COPY);
    expect(length).toBeGreaterThan(3);
    other.over(length);
  }
});

it('E5: drafts fewer where rows turn out to be dear, and more where they cost nothing', () => {
  const usual = setup().begin(COPY).length;
  const dear = setup();
  for (let run = 0; run < 20; run++) dear.drafter.ran(4, 8 + 3 * 30);
  expect(dear.begin(COPY).length).toBeLessThan(usual);
  const free = setup();
  for (let run = 0; run < 20; run++) free.drafter.ran(4, 8);
  expect(free.begin(COPY).length).toBe(15);
});
