import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { setup } from './placer.fixture.ts';
import { ENGINE_RESTART_MS, EXPECTED_WORKERS_WAIT_MS, FAILED_WORKER_MS, LINK_ATTEMPTS, LINK_OPEN_TIMEOUT_MS, LINK_RETRY_MS, PLACEMENT_DEBOUNCE_MS, SHARDS_STALLED_MS, RELAY_OPEN_TIMEOUT_MS } from './scheduler-limits.ts';
import { MODEL_ID, nodeId, OTHER_MODEL_ID } from './workers.fixture.ts';
import type { Placer } from './placer.ts';
import type { StageStatus } from './slot.ts';

it('places a moment after the last arrival, in one go', () => {
  const { clock, workers, placer, join } = setup();
  join(2);
  clock.advance(PLACEMENT_DEBOUNCE_MS - 1);
  workers.join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS - 1);
  expect(workers.sentOf('assign')).toEqual([]);
  clock.advance(1);
  expect(workers.sentOf('assign').map(({ layers }) => layers)).toEqual([[0, 2], [2, 4], [4, 6]]);
  expect(placer.ready).toBeUndefined();
  workers.settle();
  expect(placer.ready?.stages.map(({ layers }) => layers)).toEqual([[0, 2], [2, 4], [4, 6]]);
});

it('with an expected number of workers it places exactly when they are there', () => {
  const { clock, workers, join, placed } = setup({ expectWorkers: 4 });
  join(3);
  clock.advance(EXPECTED_WORKERS_WAIT_MS - 1);
  expect(placed()).toEqual([]);
  workers.join(4);
  expect(placed()).toHaveLength(3);
  expect(Object.values(workers.layers).filter((layers) => layers === null)).toHaveLength(1);
});

it('an expected worker that never comes does not stop the others', () => {
  const { clock, join, placed } = setup({ expectWorkers: 4 });
  join(3);
  clock.advance(EXPECTED_WORKERS_WAIT_MS);
  expect(placed().toSorted()).toEqual([1, 2, 3]);
});

it('a worker that measures itself again and again does not put the placement off for ever', () => {
  const { clock, workers, placed } = setup();
  for (let i = 0; i < 20; i++) {
    workers.join(1);
    clock.advance(PLACEMENT_DEBOUNCE_MS / 2);
  }
  expect(placed()).toEqual([1]);
});

it('a worker beyond the stages becomes a spare and is told so once', () => {
  const { clock, workers, join, placed } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  workers.join(4, { layerMs: 0.1, memoryBudgetBytes: 20_000 });
  clock.advance(60_000);
  expect(placed().toSorted()).toEqual([1, 2, 3]);
  expect(workers.sentOf('assign', nodeId(4))).toMatchObject([{ layers: null, standby: false }]);
});

it('more workers raise the stages to what is wanted, but not while a job runs', () => {
  const { clock, workers, placer, join, placed, state } = setup();
  join(2);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  expect(placed()).toHaveLength(2);
  state.busy = true;
  workers.join(3);
  expect(placer.ready).toBeUndefined();
  clock.advance(60_000);
  expect(placed()).toHaveLength(2);
  state.busy = false;
  placer.replaceIfIdle();
  expect(placed()).toHaveLength(3);
});

it('the range of a worker that leaves goes to a spare; others keep theirs', () => {
  const { clock, workers, placer, join, placed, lost } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const before = workers.sentOf('assign').length;
  const [first, second, third] = placed();
  const [spare] = [1, 2, 3, 4].filter((n) => !placed().includes(n));
  workers.leave(nodeId(second ?? 0), 'tab closed');
  expect(lost).toEqual([`${second}: tab closed`]);
  expect(placed()).toEqual([first, spare, third]);
  expect(workers.sentOf('assign')).toHaveLength(before + 1);
  expect(placer.ready).toBeUndefined();
  workers.settle();
  expect(placer.ready).toBeDefined();
});

it('without a spare the model is uncovered until the others are placed anew', () => {
  const { clock, workers, placer, join, placed } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const [first, second, third] = placed();
  workers.leave(nodeId(second ?? 0));
  expect(placer.uncoveredSince).toBe(clock.now());
  expect(placed()).toEqual([first, null, third]);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(placed().toSorted()).toEqual([first, third].toSorted());
  expect(placer.uncoveredSince).toBeUndefined();
});

it('a worker that comes back within the moment gets its range back', () => {
  const { clock, workers, join, placed } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  const before = placed();
  workers.leave(nodeId(2));
  workers.join(2);
  expect(placed()).toEqual(before);
  expect(workers.sentOf('assign', nodeId(2)).at(-1)?.layers).toEqual(workers.sentOf('assign', nodeId(2))[0]?.layers);
});

it('G4: a worker that starts its engine again is waited for, and gets its range back; one that does not come back is not waited for for ever', () => {
  const { clock, workers, join } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const before = workers.layers;
  workers.leave(nodeId(2), 'lost its engine', true);
  const said = workers.sentOf('assign').length;
  clock.advance(ENGINE_RESTART_MS - 1);
  expect(workers.sentOf('assign')).toHaveLength(said);
  workers.join(2);
  clock.advance(60_000);
  expect(workers.layers).toEqual(before);
  workers.leave(nodeId(2), 'lost its engine', true);
  clock.advance(ENGINE_RESTART_MS);
  expect(Object.values(workers.layers)).toEqual([[0, 3], [3, 6]]);
});

it('a spare without the memory for a range does not get it', () => {
  const { clock, workers, join, placed } = setup();
  join(3);
  workers.join(4, { memoryBudgetBytes: 20_000 });
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  const [first, second, third] = placed();
  workers.leave(nodeId(third ?? 0));
  expect(placed()).toEqual([first, second, null]);
});

it('shards that fail or stand still cost the worker its range, for a while', () => {
  const { clock, workers, join, placed, lost } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.link();
  const [first, second, third] = placed().map((n) => nodeId(n ?? 0)) as [NodeId, NodeId, NodeId];
  const [assign] = workers.sentOf('assign', first);
  workers.say(first, { type: 'shards', assignment: assign?.assignment ?? 0, state: 'failed', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0, error: 'no disk' });
  expect(placed().map((n) => nodeId(n ?? 0)).slice(1)).toEqual([second, third]);
  expect(lost).toEqual([`${Number.parseInt(first, 16)}: its shards could not be loaded: no disk`]);
  workers.link();
  clock.advance(SHARDS_STALLED_MS / 2);
  const [other] = workers.sentOf('assign', second);
  workers.say(second, { type: 'shards', assignment: other?.assignment ?? 0, state: 'loading', loadedBytes: 5, totalBytes: 9, fetchedBytes: 5 });
  clock.advance(SHARDS_STALLED_MS / 2);
  expect(lost[1]).toContain('got no further');
  expect(placed().map((n) => nodeId(n ?? 0))).toContain(second);
  expect(placed().map((n) => nodeId(n ?? 0))).not.toContain(third);
});

it('a worker that failed is placed again after its rest', () => {
  const { clock, workers, join, placed } = setup({ stages: 1 });
  join(1);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  const [assign] = workers.sentOf('assign');
  workers.say(nodeId(1), { type: 'shards', assignment: assign?.assignment ?? 0, state: 'failed', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0 });
  clock.advance(FAILED_WORKER_MS - 1);
  expect(placed()).toEqual([]);
  clock.advance(1);
  expect(placed()).toEqual([1]);
});

it('of two neighbours that never link, one is replaced when there is a spare', () => {
  const { clock, workers, join, placed, lost } = setup({ stages: 2 });
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  for (const { to, message } of [...workers.sent]) if (message.type === 'assign' && message.layers !== null) workers.say(to, { type: 'shards', assignment: message.assignment, state: 'ready', loadedBytes: 1, totalBytes: 1, fetchedBytes: 1 });
  clock.advance((LINK_OPEN_TIMEOUT_MS + RELAY_OPEN_TIMEOUT_MS + LINK_RETRY_MS) * LINK_ATTEMPTS);
  expect(lost).toEqual(['2: its neighbour could not be reached']);
  expect(placed()).toEqual([1, 3]);
});

it('a job that wants other stages or another model has the placement made anew', () => {
  const { clock, workers, placer, join, placed } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  placer.aim(MODEL_ID, 1, []);
  expect(placed()).toEqual([1]);
  placer.aim(OTHER_MODEL_ID, undefined, []);
  expect(placed()).toHaveLength(3);
  expect(workers.sentOf('assign').at(-1)?.modelId).toBe(OTHER_MODEL_ID);
  expect(placer.ready).toBeUndefined();
});

it('stages that stay as they are keep their shards in a new placement', () => {
  const { clock, workers, placer, join } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const before = workers.sentOf('assign').length;
  placer.aim(MODEL_ID, 2, []);
  placer.aim(MODEL_ID, 2, []);
  expect(workers.sentOf('assign').length - before).toBeLessThanOrEqual(3);
  workers.settle();
  expect(placer.ready?.stages).toHaveLength(2);
});

it('P4: too little memory in all is a shortage with its size, and less of one with every tab that joins', () => {
  const { clock, workers, placer } = setup();
  workers.join(1, { memoryBudgetBytes: 20_000 });
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  // A layer alone takes more than 20,000 bytes: tabs like this one would never do.
  expect(placer.shortage()).toEqual({ missingBytes: 32_100 + 6 * 32 * 2048 - 20_000, missingWorkers: 6, workerBytes: 80_000 });
  for (let n = 2; n <= 7; n++) {
    expect(placer.shortage()?.missingWorkers).toBe(8 - n);
    workers.join(n, { memoryBudgetBytes: 80_000 });
  }
  expect([placer.shortage(), placer.uncoveredSince !== undefined]).toEqual([undefined, true]);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect([placer.uncoveredSince, placer.stages.length]).toEqual([undefined, 6]);
});

it('closing leaves no timer behind', () => {
  const { clock, workers, force, placer, join } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.say(nodeId(1), { type: 'shards', assignment: 1, state: 'failed', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0 });
  workers.join(5);
  placer.close();
  force.close();
  expect(clock.pending).toBe(0);
});

it('workers that come back, in whatever order and measured a little differently, get the ranges whose shards they have', () => {
  const { clock, workers, join } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const before = { ...workers.layers };
  for (const n of [1, 2, 3]) workers.leave(nodeId(n));
  for (const n of [3, 1, 2]) workers.join(n);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  expect(workers.layers).toEqual(before);
});

it('a job that excludes a worker runs over a spare in its place; the others keep their ranges, and it is told to hold nothing', () => {
  const { clock, workers, placer, join, placed, lost } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const [first, second, third] = placed();
  const [spare] = [1, 2, 3, 4].filter((n) => !placed().includes(n));
  const before = workers.sentOf('assign').length;
  placer.aim(MODEL_ID, undefined, [nodeId(second ?? 0)]);
  expect(placed()).toEqual([first, spare, third]);
  expect(workers.sentOf('assign')).toHaveLength(before + 2);
  expect(workers.layers[nodeId(second ?? 0)]).toBeNull();
  expect([placer.ready, lost]).toEqual([undefined, []]);
  workers.settle();
  expect(placer.ready?.stages.map(({ worker }) => worker.nodeId)).toEqual([first, spare, third].map((n) => nodeId(n ?? 0)));
});

it('without a spare the ring is made anew without the excluded worker, and with it once nobody is excluded', () => {
  const { clock, workers, placer, join, placed } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  placer.aim(MODEL_ID, undefined, [nodeId(2)]);
  expect(placed().toSorted()).toEqual([1, 3]);
  placer.excludeNobody();
  expect(placed().toSorted()).toEqual([1, 2, 3]);
});

it('while a job runs nobody is dismissed, and no other job may begin over an excluded worker', () => {
  const { clock, workers, placer, join, placed, state } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const before = placed();
  state.busy = true;
  placer.aim(MODEL_ID, undefined, [nodeId(before[0] ?? 0)]);
  expect([placed(), placer.ready]).toEqual([before, undefined]);
  state.busy = false;
  placer.replaceIfIdle();
  expect(placed()).not.toContain(before[0]);
});

it('an excluded worker takes over no range that becomes vacant', () => {
  const { clock, workers, placer, join, placed } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  const [first] = placed();
  const [spare] = [1, 2, 3, 4].filter((n) => !placed().includes(n));
  placer.aim(MODEL_ID, undefined, [nodeId(spare ?? 0)]);
  workers.leave(nodeId(first ?? 0));
  expect(placed()[0]).toBeNull();
});

it('with everybody excluded there is nobody, by name', () => {
  const { clock, workers, placer, join } = setup();
  join(2);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  placer.aim(MODEL_ID, undefined, [nodeId(1), nodeId(2)]);
  expect([placer.ready, placer.placeable, placer.shortage()?.missingWorkers]).toEqual([undefined, 0, 1]);
});

it('A8: a demoted worker is placed no more: not at first, not from a ring, not as a spare, not when it comes back', () => {
  const { clock, workers, standings, placer, join, placed, lost } = setup();
  standings.demote(nodeId(1));
  join(5);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  expect(placed()).not.toContain(1);
  const [second] = placed();
  standings.demote(nodeId(second ?? 0));
  const [third] = placed();
  expect(placed()).not.toContain(second);
  expect([placed().length, lost]).toEqual([3, []]);
  workers.settle();
  expect(placer.ready).toBeDefined();
  workers.leave(nodeId(third ?? 0));
  workers.join(1);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(placed().toSorted()).toEqual([2, 3, 4, 5].filter((n) => n !== second && n !== third));
});

it('A8: a worker that is demoted while jobs run over it keeps its range until they are over, and gets no new job', () => {
  const { clock, workers, standings, placer, join, placed, state, lost } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  state.busy = true;
  standings.demote(nodeId(2));
  expect([placed().includes(2), placer.ready, lost]).toEqual([true, undefined, []]);
  state.busy = false;
  placer.replaceIfIdle();
  expect(placed().toSorted()).toEqual([1, 3]);
});

it('of two devices alike the one with the better record is placed; a much quicker one is placed whatever its record', () => {
  const { clock, standings, join, placed } = setup({ stages: 2 });
  standings.reputation.set(nodeId(1), 0.2);
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(placed().toSorted()).toEqual([2, 3]);
  const other = setup({ stages: 2 });
  other.standings.reputation.set(nodeId(1), 0);
  for (const n of [1, 2, 3]) other.workers.join(n, { layerMs: n === 1 ? 0.5 : 1, headMs: n === 1 ? 0.5 : 1 });
  other.clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(other.placed()).toContain(1);
});

const SAID = { commitMs: { p50: 0, p95: 0 }, unitMs: { p50: 0, p95: 0 }, lapMs: { p50: 0, p95: 0 }, peakMemoryBytes: 0, engine: 'wasm' } as const;
/** A job over the ring as it is, in which one worker, or each, took so long. */
const job = (stages: readonly StageStatus[], slow: NodeId | 'each', ms: number): Parameters<Placer['served']>[0] => ({
  tokenIds: [1, 2, 3],
  tokensPerSecond: 0,
  stages: stages.map(({ worker, layers }) => ({ worker: worker ?? nodeId(0), layers, link: 'direct', units: [], paidPositions: 3, stats: { ...SAID, decodeMs: slow === 'each' || worker === slow ? { p50: ms, p95: ms } : { p50: 2, p95: 2 } } })),
});

it('a worker that lied about its speed is named, counts as one that failed, and another takes its range once no job runs', () => {
  const { clock, workers, force, placer, state, join, placed } = setup();
  join(4);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const before = placed();
  const liar = nodeId(before[1] ?? 0);
  state.busy = true;
  for (let n = 0; n < 20; n++) placer.served(job(placer.stages, liar, 80), true);
  expect(workers.failedJobs).toEqual([liar]);
  expect(placed()).toEqual(before);
  expect(force.book.slower(liar)).toBeGreaterThan(10);
  state.busy = false;
  placer.replaceIfIdle();
  expect(placed()).toHaveLength(3);
  expect(placed()).not.toContain(before[1]);
  expect(placed()).not.toContain(null);
});

it('a worker that claims to take no time at all is found out as well', () => {
  const { clock, workers, placer, join, placed } = setup();
  join(4);
  workers.join(5, { layerMs: 0, layerMs16: 0, headMs: 0 });
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  expect(placed()).toContain(5);
  for (let n = 0; n < 20; n++) placer.served(job(placer.stages, nodeId(5), 80), true);
  expect(workers.failedJobs).toEqual([nodeId(5)]);
  expect(placed()).not.toContain(5);
  expect(placed()).not.toContain(null);
});

it('a ring of equals that are all slower than they said stays as it is', () => {
  const { clock, workers, placer, join, placed } = setup();
  join(3);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  workers.settle();
  const before = placed();
  for (let n = 0; n < 20; n++) placer.served(job(placer.stages, 'each', 80), true);
  expect(workers.failedJobs).toHaveLength(3);
  expect([placed(), placer.ready !== undefined]).toEqual([before, true]);
});

it('a worker that claims more memory than it has counts as one that failed, and is not given as much again', () => {
  const { clock, workers, placer, join, placed, shards } = setup({ stages: 1 });
  join(1);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  for (let load = 0; load < 2; load++) {
    expect(placed()).toEqual([1]);
    shards(nodeId(1), 'failed');
    clock.advance(FAILED_WORKER_MS);
  }
  expect([placed(), workers.failedJobs, placer.placeable, placer.shortage()?.missingWorkers]).toEqual([[], [nodeId(1), nodeId(1)], 1, 1]);
  workers.join(2);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  expect(placed()).toEqual([2]);
});

it('of what a worker loaded it is known what it has in its cache, and how quick its line is', () => {
  const { clock, workers, force, join } = setup({ stages: 1 });
  join(1);
  clock.advance(PLACEMENT_DEBOUNCE_MS);
  const [assign] = workers.sentOf('assign');
  const say = (state: 'loading' | 'ready', fetchedBytes: number): void => workers.say(nodeId(1), { type: 'shards', assignment: assign?.assignment ?? 0, state, loadedBytes: fetchedBytes, totalBytes: 9e6, fetchedBytes });
  clock.advance(2_000);
  say('loading', 9e6);
  clock.advance(5_000);
  say('ready', 9e6);
  expect(force.turnedOut(workers.workers())).toMatchObject([{ worker: nodeId(1), bytesPerMs: 4_500, slower: 1, standby: null }]);
});
