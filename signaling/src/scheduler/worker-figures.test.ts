import { expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { Assignments } from './assignments.ts';
import { WorkerBook } from './worker-book.ts';
import { figuresOf, timesOf } from './worker-figures.ts';
import { FakeStandings, FakeWorkers, MODEL_ID, OTHER_MODEL_ID } from './workers.fixture.ts';

function setup() {
  const workers = new FakeWorkers();
  const assignments = new Assignments(new VirtualClock(), workers, { loaded: () => undefined, failed: () => undefined });
  const deps = { standings: new FakeStandings(), book: new WorkerBook(new VirtualClock()), assignments };
  const node = workers.join(1, { layerMs: 2, layerMs16: 16, headMs: 4, memoryBudgetBytes: 1_000 });
  return { ...deps, node, workers, figures: (model = MODEL_ID) => figuresOf(workers.workers(), model, deps)[0] };
}

it('half of the positions are a prompt\'s, sixteen at a time and without the head; nothing takes no time', () => {
  expect(timesOf({ layerMs: 2, layerMs16: 16, headMs: 4 })).toEqual({ layerMs: 1.5, headMs: 2 });
  expect(timesOf({ layerMs: 0, layerMs16: 0, headMs: 0 }).layerMs).toBeGreaterThan(0);
});

it('whoever has a poor record, or turned out to be slower, counts as that much slower', () => {
  const { figures, standings, book, node } = setup();
  expect(figures()).toMatchObject({ layerMs: 1.5, headMs: 2, memoryBudgetBytes: 1_000 });
  standings.reputation.set(node, 0);
  expect(figures()).toMatchObject({ layerMs: 2.25, headMs: 3 });
  book.served({ stages: [{ worker: node, claimedMs: 10, saidMs: 60 }], lapMs: undefined, hopsMs: 0 });
  expect(figures()).toMatchObject({ layerMs: 4.5, headMs: 6 });
});

it('what it has loaded and cached is of the model that is asked for', () => {
  const { figures, assignments, node } = setup();
  const { assignment } = assignments.give(node, MODEL_ID, { from: 2, to: 4 }, false);
  expect(figures()?.loaded).toBeUndefined();
  assignments.shards(node, { type: 'shards', assignment, state: 'ready', loadedBytes: 9, totalBytes: 9, fetchedBytes: 9 });
  assignments.give(node, MODEL_ID, { from: 0, to: 2 }, false);
  expect(figures()).toMatchObject({ cached: new Set([2, 3]) });
  expect(figures()?.loaded).toBeUndefined();
  assignments.give(node, MODEL_ID, { from: 2, to: 4 }, false);
  expect(figures(OTHER_MODEL_ID)?.cached).toEqual(new Set());
  assignments.forget(node);
  expect(figures()?.cached).toEqual(new Set());
});
