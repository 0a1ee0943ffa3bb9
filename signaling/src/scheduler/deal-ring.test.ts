import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { cutBytes, ringTime } from './cut-layers.ts';
import { dealRing, surplusOf } from './deal-ring.ts';
import { place } from './placement.ts';
import { LEAST_RING_SPEED } from './scheduler-limits.ts';
import type { PlacementWorker } from './cut-layers.ts';
import type { DealtRing, RingDeal } from './deal-ring.ts';
import type { ModelFootprint } from './model-footprint.ts';
import type { Placed } from './placement.ts';

const SEED = 20_267;
const MB = 1e6;
const POSITIONS = 2048;
const smol: ModelFootprint = { layers: 30, layerBytes: new Array<number>(30).fill(14 * MB), shardBytes: new Array<number>(30).fill(2.2 * MB), embeddingBytes: 18 * MB, headBytes: 113 * MB, headShardBytes: 18 * MB, kvBytes: 1536 };
const nodeId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;
const worker = (n: number, change: Partial<PlacementWorker> = {}): PlacementWorker => ({ nodeId: nodeId(n), layerMs: 0.8, headMs: 3, memoryBudgetBytes: 600 * MB, rttMs: 10, ...change });
const many = (count: number, change: Partial<PlacementWorker> = {}): PlacementWorker[] => Array.from({ length: count }, (_, n) => worker(n + 1, change));

/** The first ring over these workers, and what further ones are dealt from. */
function dealOf(workers: readonly PlacementWorker[], stages = 3): RingDeal & { readonly ring: Placed } {
  const ring = place({ footprint: smol, workers, stages, positions: POSITIONS });
  if (!ring.placed) throw new Error('the first ring is not placed');
  return { footprint: smol, positions: POSITIONS, stages, ring, leastSpeed: LEAST_RING_SPEED, first: { ranges: ring.stages, totalMs: ring.totalMs }, free: workers.filter(({ nodeId: id }) => !ring.stages.some((stage) => stage.worker === id)) };
}

const membersOf = ({ placement, spare }: DealtRing): NodeId[] => [...placement.stages.map((stage) => stage.worker), spare];

/** One ring after the other until there is none. */
function dealAll(deal: RingDeal): DealtRing[] {
  const rings: DealtRing[] = [];
  for (let free = deal.free; ; ) {
    const dealt = dealRing({ ...deal, free });
    if (dealt === undefined) return rings;
    rings.push(dealt);
    const members = membersOf(dealt);
    free = free.filter(({ nodeId: id }) => !members.includes(id));
  }
}

it.each([[4, 0], [6, 0], [9, 0], [10, 1], [13, 1], [14, 2], [100, 23]])('P5: %i workers alike make %i further rings of three stages and a spare; three spares are the first one\'s', (count, further) => {
  expect(dealAll(dealOf(many(count)))).toHaveLength(further);
});

it('P5: rings of two stages need two workers less for each', () => {
  expect([6, 7, 10].map((count) => dealAll(dealOf(many(count), 2)).length)).toEqual([0, 1, 2]);
});

it('P5: who is too slow, may be stopped by its browser or holds too little makes no further ring', () => {
  const fast = many(6);
  const others = (change: Partial<PlacementWorker>): PlacementWorker[] => many(20, change).map((each, n) => ({ ...each, nodeId: nodeId(100 + n) }));
  expect(dealAll(dealOf([...fast, ...others({})]))).not.toEqual([]);
  for (const change of [{ layerMs: 8 }, { mayFreeze: true }, { memoryBudgetBytes: 12 * MB }]) expect(dealAll(dealOf([...fast, ...others(change)])), JSON.stringify(change)).toEqual([]);
});

it('the spare that the first ring keeps for a range is one that has loaded it', () => {
  const deal = dealOf(many(12));
  const [range] = deal.first.ranges;
  const loaded = deal.free.map((each) => (each.nodeId === nodeId(12) && range !== undefined ? { ...each, loaded: range } : each));
  expect(surplusOf({ ...deal, free: loaded }).map(({ nodeId: id }) => id)).not.toContain(nodeId(12));
});

it('where the quickest device would hold more than any other could take over, the ring is cut so that its spare can', () => {
  const quick = worker(50, { layerMs: 0.05, headMs: 0.1 });
  const roomy = many(8, { memoryBudgetBytes: 330 * MB }).map((each, n) => ({ ...each, nodeId: nodeId(30 + n) }));
  const deal = dealOf(many(3, { layerMs: 0.5 }));
  const dealt = dealRing({ ...deal, free: [...roomy, quick] });
  expect(dealt?.placement.stages.map((stage) => stage.worker)).toContain(quick.nodeId);
  for (const { from, to } of dealt?.placement.stages ?? []) expect(cutBytes(from, to, smol, POSITIONS)).toBeLessThanOrEqual(330 * MB);
});

const device = fc.record({ layerMs: fc.double({ min: 0.2, max: 6, noNaN: true }), headMs: fc.double({ min: 0.5, max: 20, noNaN: true }), memoryBudgetBytes: fc.integer({ min: 0, max: 700 }).map((megabytes) => megabytes * MB), rttMs: fc.integer({ min: 0, max: 200 }), mayFreeze: fc.boolean() });

it(`P5: whatever workers there are, rings are disjoint, cover every layer in order within memory and at the least speed, have a spare for any range, and leave the first its own (seed ${SEED})`, () => {
  let made = 0;
  fc.assert(
    fc.property(fc.array(device, { minLength: 30, maxLength: 50 }), fc.integer({ min: 1, max: 5 }), (devices, stages) => {
      const workers = [...devices.map((each, n) => worker(n + 1, each)), ...many(3).map((each, n) => ({ ...each, nodeId: nodeId(200 + n) }))];
      const deal = dealOf(workers, stages);
      const rings = dealAll(deal);
      made += rings.length;
      const taken = rings.flatMap(membersOf);
      expect(new Set(taken).size).toBe(taken.length);
      expect(taken.filter((id) => deal.ring.stages.some((stage) => stage.worker === id))).toEqual([]);
      const find = (id: NodeId): PlacementWorker => workers.find((each) => each.nodeId === id) as PlacementWorker;
      for (const { placement, spare } of rings) {
        const cuts = placement.stages.map(({ worker: id, from, to }) => ({ worker: find(id), from, to }));
        expect(cuts.map(({ from }) => from)).toEqual([0, ...cuts.slice(0, -1).map(({ to }) => to)]);
        expect(cuts.at(-1)?.to).toBe(smol.layers);
        for (const { worker: holder, from, to } of cuts) {
          expect(to).toBeGreaterThan(from);
          expect(cutBytes(from, to, smol, POSITIONS)).toBeLessThanOrEqual(Math.min(holder.memoryBudgetBytes, find(spare).memoryBudgetBytes));
        }
        expect(deal.first.totalMs / ringTime(cuts, smol).totalMs).toBeGreaterThanOrEqual(LEAST_RING_SPEED);
        expect([...cuts.map((cut) => cut.worker), find(spare)].filter(({ mayFreeze }) => mayFreeze)).toEqual([]);
      }
      // Every range of the first that anybody free could hold still has somebody of its own.
      if (rings.length > 0) {
        const rest = deal.free.filter(({ nodeId: id }) => !taken.includes(id)).map(({ memoryBudgetBytes }) => memoryBudgetBytes).sort((a, b) => a - b);
        const ranges = deal.first.ranges.map(({ from, to }) => cutBytes(from, to, smol, POSITIONS)).filter((bytes) => deal.free.some(({ memoryBudgetBytes }) => memoryBudgetBytes >= bytes));
        for (const bytes of ranges.sort((a, b) => b - a)) expect(rest.splice(rest.findIndex((budget) => budget >= bytes), 1)[0]).toBeGreaterThanOrEqual(bytes);
      }
    }),
    { seed: SEED, numRuns: 60 },
  );
  expect(made).toBeGreaterThan(60);
});

it(`P5: equal input gives equal output, in whatever order workers come (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.array(device, { minLength: 12, maxLength: 40 }), fc.infiniteStream(fc.nat()), (devices, keys) => {
      const deal = dealOf([...devices.map((each, n) => worker(n + 1, each)), ...many(3).map((each, n) => ({ ...each, nodeId: nodeId(200 + n) }))]);
      const shuffled = deal.free.map((each) => ({ each, key: keys.next().value })).sort((a, b) => a.key - b.key).map(({ each }) => each);
      expect(dealRing({ ...deal, free: shuffled })).toEqual(dealRing(deal));
    }),
    { seed: SEED, numRuns: 60 },
  );
});
