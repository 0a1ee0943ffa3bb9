import { expect, it } from 'vitest';
import { takeOver } from './take-over.ts';
import { nodeId } from './workers.fixture.ts';
import type { ModelFootprint } from './model-footprint.ts';
import type { Successor } from './take-over.ts';

const FOOTPRINT: ModelFootprint = { layers: 6, layerBytes: [1, 1, 1, 1, 1, 1], shardBytes: [1, 1, 1, 1, 1, 1], embeddingBytes: 1, headBytes: 1, headShardBytes: 1, kvBytes: 1 };
const RANGE = { from: 2, to: 4 };
const OTHER = { from: 4, to: 6 };
const successor = (n: number, change: Partial<Successor> = {}): Successor => ({ worker: { nodeId: nodeId(n), layerMs: 10 - n, headMs: 1, memoryBudgetBytes: 100, rttMs: 1 }, standby: undefined, last: undefined, ...change });
const taken = (...successors: readonly Successor[]) => takeOver(RANGE, successors, [RANGE, OTHER], FOOTPRINT);

it('who has loaded the range comes first, then who is loading it, then who held it last, then the fastest', () => {
  const order = [successor(1, { standby: { ...RANGE, ready: true } }), successor(2, { standby: { ...RANGE, ready: false } }), successor(3, { last: RANGE }), successor(5), successor(4)];
  for (let from = 0; from < order.length; from++) expect(taken(...order.slice(from).toReversed())).toBe(order[from]?.worker.nodeId);
  expect(taken()).toBeUndefined();
});

it('of several that have loaded it the fastest is taken, of equals the first', () => {
  const standby = { ...RANGE, ready: true };
  expect(taken(successor(1, { standby }), successor(2, { standby }))).toBe(nodeId(2));
  const equal = (n: number): Successor => ({ ...successor(1, { standby }), worker: { ...successor(1).worker, nodeId: nodeId(n) } });
  expect(taken(equal(7), equal(8))).toBe(nodeId(7));
});

it('who stands by with another vacant range, or held it, is kept for that one', () => {
  expect(taken(successor(9, { standby: { ...OTHER, ready: true } }), successor(8, { last: OTHER }), successor(1))).toBe(nodeId(1));
  expect(taken(successor(9, { last: OTHER }))).toBeUndefined();
  expect(taken(successor(9, { standby: { from: 0, to: 2, ready: true } }), successor(1))).toBe(nodeId(9));
});

it('G5: a hidden page of a phone takes over after the others of its kind', () => {
  const phone = { ...successor(9), worker: { ...successor(9).worker, mayFreeze: true } };
  expect(taken(phone, successor(1))).toBe(nodeId(1));
  const standby = { ...RANGE, ready: true };
  expect(taken({ ...phone, standby }, successor(1, { standby }))).toBe(nodeId(1));
  expect(taken({ ...phone, standby }, successor(1))).toBe(nodeId(9));
});
