import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ENGINE_RESTART_MS, FAILED_WORKER_MS, MAX_RINGS, MENDED_WITHIN_MS, PLACEMENT_DEBOUNCE_MS } from './scheduler-limits.ts';
import { setup, wish } from './ring-pool.fixture.ts';
import { jobId, MODEL_ID, nodeId, OTHER_MODEL_ID } from './workers.fixture.ts';

const SEED = 20_268;

it('P5: a network that has no spares to give is one ring, as it ever was', () => {
  const { pool, join, settle, rings } = setup();
  join(1, 9);
  settle();
  expect(rings()).toHaveLength(1);
  expect(pool.status()).toMatchObject([{ number: 0, ready: true, spares: 6, standby: 3 }]);
});

it('P5: workers that are over make further rings one after the other, each with a spare that stands by, and nobody is in two', () => {
  const { clock, workers, pool, join, settle, rings } = setup();
  join(1, 18);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(rings()).toHaveLength(1);
  settle();
  expect(rings()).toHaveLength(4);
  expect(new Set(rings().flat()).size).toBe(12);
  expect(pool.status().map(({ ready, spares, standby }) => [ready, spares, standby])).toEqual([[true, 3, 3], [true, 1, 1], [true, 1, 1], [true, 1, 1]]);
  // Names of links and assignments are of all rings together.
  for (const type of ['assign', 'connect'] as const) {
    const names = workers.sentOf(type).map((message) => ('link' in message ? message.link : message.assignment));
    expect(new Set(names).size).toBe(type === 'assign' ? names.length : names.length / 2);
  }
});

it('P5: no further ring is begun before the first has loaded', () => {
  const { clock, workers, join, rings } = setup();
  join(1, 12);
  clock.advance(10 * PLACEMENT_DEBOUNCE_MS);
  expect(rings()).toHaveLength(1);
  workers.settle();
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(rings()).toHaveLength(2);
});

it('P5: there are at most MAX_RINGS rings', () => {
  const { join, settle, rings } = setup({ stages: 1 });
  join(1, 2 * MAX_RINGS + 10);
  settle(10 * PLACEMENT_DEBOUNCE_MS);
  expect(rings()).toHaveLength(MAX_RINGS);
});

it('G10: a range of a further ring goes to its spare at once, and the ring gets another spare of those that are over', () => {
  const { workers, pool, lost, join, settle, rings } = setup();
  join(1, 11);
  settle();
  const [first, second = []] = rings();
  const victim = nodeId(second[1] ?? 0);
  workers.leave(victim);
  expect([rings()[0], rings()[1]?.[0], rings()[1]?.[2], lost]).toEqual([first, second[0], second[2], [victim]]);
  expect(rings()[1]).not.toContain(null);
  settle();
  expect(pool.status()).toMatchObject([{ ready: true, spares: 3 }, { ready: true, spares: 1, standby: 1 }]);
});

it('G10: who joins goes to a ring that lacks a worker, and only then towards a new one', () => {
  const { workers, pool, join, settle, rings } = setup();
  join(1, 10);
  settle();
  workers.leave(nodeId(rings()[1]?.[0] ?? 0));
  settle();
  expect(pool.status().map(({ spares }) => spares)).toEqual([3, 0]);
  workers.join(20);
  settle();
  expect(pool.status().map(({ spares }) => spares)).toEqual([3, 1]);
  workers.join(21);
  settle();
  expect(pool.status().map(({ spares }) => spares)).toEqual([4, 1]);
});

it('G10: a further ring that cannot be mended ends, and its workers are free; the others stay as they are', () => {
  const { clock, workers, pool, join, settle, rings } = setup();
  join(1, 10);
  settle();
  const [first, second = []] = rings();
  for (const n of second.slice(0, 2)) workers.leave(nodeId(n ?? 0));
  // The first one lends a spare, but not both that the ring would need with it.
  settle();
  expect(rings()[0]).toEqual(first);
  expect(rings().flat()).not.toContain(null);
  for (const n of rings()[1] ?? []) workers.leave(nodeId(n ?? 0));
  clock.advance(2 * PLACEMENT_DEBOUNCE_MS);
  expect(rings()).toEqual([first]);
  expect(pool.ready).toBe(true);
});

it('G10: where the first ring cannot be mended, another takes its place, and nothing is loaded anew', () => {
  const { clock, workers, pool, join, settle, rings } = setup();
  join(1, 10);
  settle();
  const [first = [], second] = rings();
  const spares = Object.keys(workers.layers).map((id) => Number.parseInt(id, 16)).filter((n) => !rings().flat().includes(n));
  for (const n of spares) workers.leave(nodeId(n));
  const said = workers.sentOf('assign').length;
  workers.leave(nodeId(first[0] ?? 0));
  expect(pool.ready).toBe(true);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(rings()).toEqual([second]);
  // Only the two that are left of the first are told something: what they stand by with.
  expect(workers.sentOf('assign').slice(said).every(({ standby }) => standby)).toBe(true);
});

it('G4: a worker of a further ring that starts its engine again is its ring\'s when it comes back', () => {
  const { clock, workers, pool, join, settle, rings } = setup();
  join(1, 10);
  settle();
  const spare = Object.entries(workers.layers).find(([id]) => pool.status()[1]?.standby === 1 && !rings().flat().includes(Number.parseInt(id, 16)))?.[0];
  expect(spare).toBeDefined();
  const before = rings();
  workers.leave(nodeId(rings()[1]?.[1] ?? 0));
  settle();
  const ring = rings()[1] ?? [];
  for (const [id] of Object.entries(workers.layers)) if (!rings().flat().includes(Number.parseInt(id, 16))) workers.leave(id as never);
  workers.leave(nodeId(ring[0] ?? 0), 'lost its engine', true);
  clock.advance(ENGINE_RESTART_MS / 2);
  expect(rings()[1]).toEqual([null, ring[1], ring[2]]);
  workers.join(ring[0] ?? 0);
  expect([rings()[0], rings()[1]]).toEqual([before[0], ring]);
});

it('a worker that failed leaves its ring, rests, and is free then', () => {
  const { clock, workers, pool, join, settle, rings } = setup();
  join(1, 11);
  settle();
  const victim = nodeId(rings()[1]?.[0] ?? 0);
  const { assignment = 0 } = workers.sentOf('assign', victim).at(-1) ?? {};
  workers.say(victim, { type: 'shards', assignment, state: 'failed', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0 });
  settle();
  expect(rings().flat()).not.toContain(Number.parseInt(victim, 16));
  expect(pool.status().map(({ spares }) => spares)).toEqual([3, 1]);
  clock.advance(FAILED_WORKER_MS);
  expect(pool.status().map(({ spares }) => spares)).toEqual([4, 1]);
});

it('A8: a demoted worker of a further ring gives its range to the spare', () => {
  const { standings, join, settle, rings } = setup();
  join(1, 11);
  settle();
  const [, second = []] = rings();
  standings.demote(nodeId(second[2] ?? 0));
  settle();
  expect(rings()[1]?.slice(0, 2)).toEqual(second.slice(0, 2));
  expect(rings().flat()).not.toContain(second[2]);
  expect(rings()[1]).not.toContain(null);
});

it('a job of another model, or of other stages, has the first ring alone made anew', () => {
  const { pool, join, settle, rings, begin } = setup();
  join(1, 10);
  settle();
  const [, second] = rings();
  expect(begin({ modelId: OTHER_MODEL_ID })).toBeUndefined();
  settle();
  expect(begin({ modelId: OTHER_MODEL_ID })?.number).toBe(0);
  expect([rings()[1], begin()?.number]).toEqual([second, 1]);
  settle();
  begin({ stages: 1 });
  settle();
  expect([begin({ stages: 1 })?.number, rings()[0]?.length, rings()[1]]).toEqual([0, 1, second]);
  expect(pool.shortage()).toBeUndefined();
});

it('P4: a model for which the first has too few workers has the newest ring end, as soon as it is idle, and no other', () => {
  const { clock, workers, pool, settle, rings, begin } = setup({ stages: 2 });
  // Two hold the model, one does not.
  for (let n = 1; n <= 10; n++) workers.join(n, { memoryBudgetBytes: 270_000 });
  settle();
  begin({ modelId: OTHER_MODEL_ID });
  settle();
  expect(begin({ modelId: OTHER_MODEL_ID })?.number).toBe(0);
  const [first = [], second, third = []] = rings();
  const busy = begin({ exclude: second?.map((n) => nodeId(n ?? 0)) ?? [] });
  expect(busy?.number).toBe(2);
  busy?.running.set(jobId(1), 6);
  const spares = workers.nodes().filter((id) => !rings().flat().includes(Number.parseInt(id, 16)));
  for (const id of [...spares, nodeId(first[0] ?? 0)]) workers.leave(id);
  clock.advance(2 * PLACEMENT_DEBOUNCE_MS);
  expect(rings()).toEqual([[], second, third]);
  expect([pool.shortage(), pool.hopes()(wish({ modelId: OTHER_MODEL_ID }))]).toEqual([undefined, false]);
  busy?.running.clear();
  pool.replaceIfIdle();
  settle();
  expect(rings()).toEqual([expect.objectContaining({ length: 2 }), second]);
  expect(begin({ modelId: OTHER_MODEL_ID })?.number).toBe(0);
});

it('E3: a job goes to the ring that finishes it first; one takes no ring that another before it waits for', () => {
  const { pool, join, settle } = setup({ maxRunning: 1 });
  join(1, 10);
  settle();
  const jobs = [wish(), wish(), wish({ exclude: [nodeId(1)] }), wish()];
  const taken: number[] = [];
  const waiting = jobs.map((each, n) => ({ ...each, n }));
  for (let next = pool.next(waiting, (each) => each); next !== undefined && 'ring' in next; next = pool.next(waiting, (each) => each)) {
    next.ring.running.set(jobId(next.job.n), 6);
    taken.push(next.job.n, next.ring.number);
    waiting.splice(waiting.indexOf(next.job), 1);
  }
  expect(taken).toEqual([0, 0, 1, 1]);
  expect(pool.hopes()(wish())).toBe(true);
});

it('E3: a job goes to the ring that keeps its beginning while that has room', () => {
  const { pool, join, settle, rings } = setup({ maxRunning: 1 });
  join(1, 10);
  settle();
  const keepers = new Set<string>((rings()[1] ?? []).map((n) => nodeId(n ?? 0)));
  const next = () => pool.next([wish()], (each) => each, ({ stages }) => (keepers.has(stages[0]?.worker.nodeId ?? '') ? 0.2 : 1));
  const first = next();
  expect(first !== undefined && 'ring' in first ? first.ring.number : undefined).toBe(1);
  if (first !== undefined && 'ring' in first) first.ring.running.set(jobId(1), 6);
  expect(next()).toMatchObject({ ring: { number: 0 } });
});

it('G10: a job waits for a quick ring that its spare is just mending rather than begin over a slow one, if that ends sooner, and no longer than links take', () => {
  const { clock, workers, settle, rings, begin } = setup();
  // Quick ones: of these the first ring, and its spares with the least memory that suffices.
  for (let n = 1; n <= 6; n++) workers.join(n, { memoryBudgetBytes: 500_000 });
  for (let n = 7; n <= 10; n++) workers.join(n, { layerMs: 8, layerMs16: 32, headMs: 8 });
  settle();
  const [first = [], second = []] = rings();
  expect([first.every((n) => (n ?? 0) <= 6), second.every((n) => (n ?? 0) > 6)]).toEqual([true, true]);
  workers.leave(nodeId(first[1] ?? 0));
  expect([begin({ positions: 1_000 })?.number, begin({ positions: 10 })?.number]).toEqual([undefined, 1]);
  clock.advance(MENDED_WITHIN_MS);
  expect(begin({ positions: 1_000 })?.number).toBe(1);
  workers.settle();
  expect(begin({ positions: 1_000 })?.number).toBe(0);
});

it('closing leaves no timer behind', () => {
  const { clock, workers, pool, join, settle, rings } = setup();
  join(1, 14);
  settle();
  workers.leave(nodeId(rings()[1]?.[0] ?? 0));
  workers.join(40);
  pool.close();
  expect(clock.pending).toBe(0);
});

type Step = { readonly join: number } | { readonly leave: number } | { readonly fail: number } | { readonly demote: number } | { readonly wait: number } | { readonly settle: true } | { readonly wish: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ join: fc.nat(29) }) },
  { weight: 4, arbitrary: fc.record({ leave: fc.nat(29) }) },
  { weight: 1, arbitrary: fc.record({ fail: fc.nat(29) }) },
  { weight: 1, arbitrary: fc.record({ demote: fc.nat(60) }) },
  { weight: 4, arbitrary: fc.record({ wait: fc.constantFrom(50, 1_000, 9_000, 31_000) }) },
  { weight: 4, arbitrary: fc.constant({ settle: true } as const) },
  { weight: 2, arbitrary: fc.record({ wish: fc.nat(3) }) },
);

it(`P5, G10: whatever happens, nobody is in two rings, nobody holds more than fits, and who joins never unplaces a ring that stands (seed ${SEED})`, () => {
  let most = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 60 }), (steps) => {
      const { clock, workers, standings, pool, join, rings, settle } = setup();
      join(1, 14);
      settle();
      for (const each of steps) {
        const before = rings().filter((ring) => !ring.includes(null));
        if ('join' in each) {
          if (workers.worker(nodeId(each.join)) === undefined) workers.join(each.join, { memoryBudgetBytes: 60_000 + 40_000 * (each.join % 9) });
          const after = rings().map(String);
          expect(before.filter((ring) => !after.includes(String(ring)) && !ring.includes(each.join))).toEqual([]);
        } else if ('leave' in each) workers.leave(nodeId(each.leave), 'fuzz', each.leave % 3 === 0);
        else if ('fail' in each) {
          const { assignment } = workers.sentOf('assign', nodeId(each.fail)).at(-1) ?? {};
          if (assignment !== undefined) workers.say(nodeId(each.fail), { type: 'shards', assignment, state: 'failed', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0 });
        } else if ('demote' in each) standings.demote(nodeId(each.demote));
        else if ('wait' in each) clock.advance(each.wait);
        else if ('settle' in each) workers.settle();
        else pool.next([wish({ modelId: each.wish === 0 ? OTHER_MODEL_ID : MODEL_ID, ...(each.wish === 1 ? { stages: 2 } : {}) })], (job) => job);
        const stages = pool.status().flatMap((ring) => ring.stages);
        const placed = stages.flatMap(({ worker }) => worker ?? []);
        expect(new Set(placed).size).toBe(placed.length);
        for (const { stages: of } of pool.status()) expect(of.map(({ layers }) => layers[0])).toEqual(of.length === 0 ? [] : [0, ...of.slice(0, -1).map(({ layers }) => layers[1])]);
        for (const { worker, layers: [from, to] } of stages) {
          if (worker === null) continue;
          const budget = workers.worker(worker)?.profile.memoryBudgetBytes ?? 0;
          expect((to - from) * (4_000 + 32 * 2_048) + (from === 0 ? 100 : 0) + (to === 6 ? 8_000 : 0)).toBeLessThanOrEqual(budget);
        }
        most = Math.max(most, rings().length);
      }
      pool.close();
      expect(clock.pending).toBe(0);
    }),
    { seed: SEED, numRuns: 40 },
  );
  expect(most).toBeGreaterThan(2);
});
