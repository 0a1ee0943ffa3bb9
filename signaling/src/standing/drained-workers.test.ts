import { expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { DRAIN_MS, DrainedWorkers, FAULT_WINDOW_MS } from './drained-workers.ts';
import type { NodeId } from '@ciro/core/ids.ts';

const [ADA, BOB, EVE] = ['a', 'b', 'e'].map((letter) => letter.repeat(40) as NodeId) as [NodeId, NodeId, NodeId];

function setUp() {
  const clock = new VirtualClock();
  const told: NodeId[] = [];
  const drained = new DrainedWorkers({ isDemoted: (node) => node === EVE, reputations: () => new Map([[ADA, 0.5]]), onDemoted: () => undefined }, clock);
  drained.onDemoted((node) => told.push(node));
  return { clock, drained, told };
}

it('O5: a drained worker is placed no more for half an hour, placement is told both times, and what audits say stays', () => {
  const { clock, drained, told } = setUp();
  expect([ADA, EVE].map((node) => drained.isDemoted(node))).toEqual([false, true]);
  expect(drained.drain(ADA)).toBe(true);
  expect([drained.isDemoted(ADA), told]).toEqual([true, [ADA]]);
  clock.advance(DRAIN_MS - 1);
  // Once more: the time begins anew, and nobody has to place anew.
  drained.drain(ADA);
  clock.advance(DRAIN_MS - 1);
  expect([drained.isDemoted(ADA), told]).toEqual([true, [ADA]]);
  clock.advance(1);
  expect([drained.isDemoted(ADA), told, clock.pending]).toEqual([false, [ADA, ADA], 0]);
  expect(drained.reputations([])).toEqual(new Map([[ADA, 0.5]]));
});

it('O5: the worst is who most failures of ten minutes are due to: three at least, and half of all', () => {
  const { clock, drained } = setUp();
  const blame = (...nodes: readonly NodeId[]): void => nodes.forEach(drained.blamed);
  blame(ADA, ADA);
  expect(drained.worst()).toBeUndefined();
  blame(ADA);
  expect(drained.worst()).toBe(ADA);
  blame(BOB, BOB, BOB, EVE);
  expect(drained.worst()).toBeUndefined();
  blame(BOB, BOB);
  expect(drained.worst()).toBe(BOB);
  // Who rests is not chosen again; of the others none stands out any more.
  drained.drain(BOB);
  expect(drained.worst()).toBe(ADA);
  clock.advance(FAULT_WINDOW_MS + 1);
  expect(drained.worst()).toBeUndefined();
});
