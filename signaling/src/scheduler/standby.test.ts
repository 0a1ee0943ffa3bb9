import { expect, it } from 'vitest';
import { setup } from './placer.fixture.ts';
import { FAILED_WORKER_MS, PLACEMENT_DEBOUNCE_MS, SHARDS_STALLED_MS } from './scheduler-limits.ts';
import { MODEL_ID, nodeId } from './workers.fixture.ts';
import type { PlacerOptions } from './placer.ts';

/** A ring of `stages` that serves, and spares that have loaded what they stand by with. */
function standing(count: number, options: PlacerOptions = {}) {
  const scene = setup(options);
  scene.join(count);
  scene.clock.advance(PLACEMENT_DEBOUNCE_MS);
  scene.workers.settle();
  scene.workers.settle();
  const ring = scene.placed().map((n) => n ?? 0);
  const layersOf = (n: number): readonly number[] | null | undefined => scene.workers.layers[nodeId(n)];
  const told = (n: number) => scene.workers.sentOf('assign', nodeId(n));
  return { ...scene, ring, layersOf, told };
}

it('a spare begins to load only when the ring has loaded: its shards go first', () => {
  const { clock, workers, join, shards, placed, placer } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  const [spare] = [1, 2, 3, 4].filter((n) => !placed().includes(n));
  expect(workers.sentOf('assign', nodeId(spare ?? 0))).toMatchObject([{ layers: null }]);
  for (const n of placed()) shards(nodeId(n ?? 0), 'ready');
  expect(workers.sentOf('assign', nodeId(spare ?? 0)).at(-1)).toMatchObject({ layers: [4, 6], standby: true });
  expect(placer.standby).toBe(0);
  shards(nodeId(spare ?? 0), 'ready');
  expect(placer.standby).toBe(1);
});

it('a spare that stands by with the range of a worker that leaves takes it over at once: nothing is loaded', () => {
  const { workers, placer, lost, ring, layersOf, told, placed } = standing(4);
  const [victim] = ring.filter((n) => String(layersOf(n)) === '4,6');
  const [spare] = [1, 2, 3, 4].filter((n) => !ring.includes(n));
  workers.leave(nodeId(victim ?? 0), 'tab closed');
  expect(lost).toEqual([`${victim}: tab closed`]);
  expect(placed()).toEqual(ring.map((n) => (n === victim ? spare : n)));
  expect(told(spare ?? 0).at(-1)).toMatchObject({ layers: [4, 6], standby: false });
  expect(placer.stages[2]).toMatchObject({ shards: 'ready', readyMs: 0 });
  // Only the links to its new neighbours are waited for.
  expect(placer.ready).toBeUndefined();
  workers.link();
  expect(placer.ready?.stages[2]?.worker.nodeId).toBe(nodeId(spare ?? 0));
  expect(placer.standby).toBe(0);
});

it('one that loads its range after all is waited for', () => {
  const { workers, placer, ring, layersOf, shards } = standing(4);
  const [victim] = ring.filter((n) => String(layersOf(n)) === '4,6');
  const [spare] = [1, 2, 3, 4].filter((n) => !ring.includes(n));
  workers.leave(nodeId(victim ?? 0));
  workers.link();
  shards(nodeId(spare ?? 0), 'loading', 0);
  expect([placer.ready, placer.stages[2]?.shards]).toEqual([undefined, 'loading']);
  shards(nodeId(spare ?? 0), 'ready');
  expect(placer.ready).toBeDefined();
});

it('of several spares the one that has loaded the range is taken, then one that is loading it, before a faster one', () => {
  const { workers, ring, layersOf, told, shards, placed } = standing(3);
  const [victim] = ring.filter((n) => String(layersOf(n)) === '4,6');
  workers.join(4, { layerMs: 3 }); // the last range: the largest
  workers.join(5, { layerMs: 2 }); // the first one
  workers.join(6, { layerMs: 0.1 }); // the middle
  expect([4, 5, 6].map(layersOf)).toEqual([[4, 6], [0, 2], [2, 4]]);
  for (const n of [5, 6]) shards(nodeId(n), 'ready');
  workers.leave(nodeId(victim ?? 0));
  expect(placed()[2]).toBe(4);
  expect(told(4).at(-1)).toMatchObject({ layers: [4, 6], standby: false });
});

it('every range is covered before one is covered twice', () => {
  const { standing: held, placer } = standing(10);
  const ranges = Object.values(held()).map(String);
  expect(ranges).toHaveLength(7);
  expect(['0,2', '2,4', '4,6'].map((range) => ranges.filter((each) => each === range).length).toSorted()).toEqual([2, 2, 3]);
  expect(placer.standby).toBe(3);
});

it('the range of the worker with the poorest reputation comes first', () => {
  const { workers, standings, ring, layersOf } = standing(3);
  const [first = 0] = ring;
  standings.reputation.set(nodeId(first), 0.4);
  workers.join(4);
  expect(layersOf(4)).toEqual(layersOf(first));
});

it('a spare keeps its range when others come and go, and records change', () => {
  const { workers, standings, ring, told } = standing(5);
  const spares = [1, 2, 3, 4, 5].filter((n) => !ring.includes(n));
  const before = spares.map((n) => told(n).length);
  for (const n of ring) standings.reputation.set(nodeId(n), 1 / (n + 1));
  workers.join(6);
  workers.join(7);
  workers.leave(nodeId(6));
  workers.settle();
  expect(spares.map((n) => told(n).length)).toEqual(before);
});

it('when a range loses its only spare, one that another has, too, moves to it', () => {
  const { workers, standing: held, told, layersOf } = standing(7);
  const spares = Object.keys(held()).map(Number);
  const twice = spares.filter((n) => spares.some((other) => other !== n && String(layersOf(other)) === String(layersOf(n))));
  const only = spares.find((n) => !twice.includes(n)) ?? 0;
  const range = layersOf(only);
  const before = spares.map((n) => told(n).length);
  workers.leave(nodeId(only));
  expect(spares.filter((n, index) => n !== only && told(n).length !== before[index])).toEqual([expect.toBeOneOf(twice)]);
  expect(Object.values(held())).toContainEqual(range);
});

it('a budget that does not hold the range and the largest audit beside it makes no standby', () => {
  const layers = 2 * (4_000 + 32 * 2_048);
  const { workers, layersOf } = standing(3);
  workers.join(4, { memoryBudgetBytes: 2 * layers + 8_000 - 1 });
  expect(layersOf(4)).toBeNull();
  workers.join(5, { memoryBudgetBytes: 2 * layers + 8_000 });
  expect(layersOf(5)).toEqual([2, 4]);
  workers.join(6, { memoryBudgetBytes: 2 * (layers + 8_000) });
  expect(layersOf(6)).toEqual([4, 6]);
});

it('a budget with room for the range alone still takes over, as before', () => {
  const { workers, ring, layersOf, placed } = standing(3);
  const [victim] = ring.filter((n) => String(layersOf(n)) === '2,4');
  workers.join(4, { memoryBudgetBytes: 2 * (4_000 + 32 * 2_048) });
  expect(layersOf(4)).toBeNull();
  workers.leave(nodeId(victim ?? 0));
  expect(placed()[1]).toBe(4);
});

it('a spare whose load fails or stands still stands by with nothing until it has rested; the ring is not touched', () => {
  const { clock, workers, placer, lost, layersOf, shards, ring, placed } = standing(3);
  workers.join(4);
  shards(nodeId(4), 'failed');
  expect(layersOf(4)).toBeNull();
  expect([placed(), lost, placer.ready === undefined]).toEqual([ring, [], false]);
  clock.advance(FAILED_WORKER_MS);
  expect(layersOf(4)).toEqual([4, 6]);
  clock.advance(SHARDS_STALLED_MS);
  expect(layersOf(4)).toBeNull();
  expect([lost, placer.standby]).toEqual([[], 0]);
});

it('a ring of other ranges has spares load others; a range that stays is kept', () => {
  const { workers, placer, layersOf, standing: held } = standing(5);
  const before = workers.sentOf('assign').length;
  placer.aim(MODEL_ID, 2, []);
  workers.settle();
  expect(placer.ready?.stages.map(({ layers }) => layers)).toEqual([[0, 3], [3, 6]]);
  workers.settle();
  expect(Object.values(held()).map(String).toSorted()).toEqual(['0,3', '3,6', '3,6']);
  const after = workers.sentOf('assign').length;
  expect(after).toBeGreaterThan(before);
  placer.aim(MODEL_ID, 2, []);
  placer.replaceIfIdle();
  workers.settle();
  expect(workers.sentOf('assign')).toHaveLength(after);
  expect(layersOf(1)).not.toBeNull();
});

it('who is passed over for one job keeps what it stands by with, and takes nothing over meanwhile', () => {
  const { workers, placer, ring, layersOf, told, placed } = standing(4);
  const [spare = 0] = [1, 2, 3, 4].filter((n) => !ring.includes(n));
  const before = told(spare).length;
  placer.aim(MODEL_ID, undefined, [nodeId(spare)]);
  expect([told(spare).length, placer.standby]).toEqual([before, 0]);
  const [victim] = ring.filter((n) => String(layersOf(n)) === '4,6');
  workers.leave(nodeId(victim ?? 0));
  expect(placed()[2]).toBeNull();
  placer.excludeNobody();
  expect(placed()).toContain(spare);
});

it('A8: a demoted spare stands by with nothing', () => {
  const { workers, standings, ring, layersOf } = standing(4);
  const [spare = 0] = [1, 2, 3, 4].filter((n) => !ring.includes(n));
  standings.demote(nodeId(spare));
  expect(layersOf(spare)).toBeNull();
  workers.join(5);
  expect(layersOf(5)).toEqual([4, 6]);
});
