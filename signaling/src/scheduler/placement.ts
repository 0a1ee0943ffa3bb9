import { MAX_STAGES } from '@ciro/core/protocol/limits.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import { cutBytes, cutLayers, ringCost, ringTime } from './cut-layers.ts';
import { stageBytes } from './model-footprint.ts';
import { paysOff } from './move-cost.ts';
import { nearerRing } from './nearer-ring.ts';
import { roomiestRing } from './roomiest-ring.ts';
import { LEAST_LAYER_MS, MAX_CANDIDATES } from './scheduler-limits.ts';
import type { Cut, PlacementWorker, RingTime } from './cut-layers.ts';
import type { ModelFootprint } from './model-footprint.ts';

/** Everything a placement depends on: equal snapshots give equal placements. */
export interface PlacementSnapshot {
  readonly footprint: ModelFootprint;
  readonly workers: readonly PlacementWorker[];
  /** Stages wanted; fewer when there are fewer workers or layers, more when memory makes it necessary. */
  readonly stages: number;
  /** Positions of KV cache that every stage must have room for. */
  readonly positions: number;
  /** Ring that these workers had before, in order: kept unless another wins its loading back. */
  readonly previous?: readonly PlacedStage[];
}

export interface PlacedStage {
  readonly worker: NodeId;
  readonly from: number;
  readonly to: number;
}

export type Placed = {
  readonly placed: true;
  readonly stages: readonly PlacedStage[];
  /** Positions of KV cache for which every stage has room. */
  readonly positions: number;
} & RingTime;

export type Placement = Placed | { readonly placed: false };

/** Ends of the ring that are tried in all combinations; every pair costs one search over the middle workers, of which fewer are had where one takes long. */
const END_CANDIDATES = 5;
const DEEP_END_CANDIDATES = 3;
/** Rings that the search for nearer workers begins with. */
const NEARER_BEGINS = 4;
/** Layers times stages from which a search takes tens of milliseconds (measured: 80 layers in eight stages 60 ms, so 27). */
const DEEP = 300;

/**
 * Ranges of layers for the fastest ring: least slowest stage (it decides the rate with several jobs), among those the least
 * total with its hops (SPEC W5), and the most even one of equals. Never over a memory budget, and over workers that may freeze only where the others do not suffice (SPEC G5). Pure and deterministic: workers are sorted before anything is compared or summed.
 */
export function place(snapshot: PlacementSnapshot): Placement {
  const workers = snapshot.workers
    .map((worker) => ({ ...worker, layerMs: Math.max(worker.layerMs, LEAST_LAYER_MS) }))
    .sort((a, b) => a.layerMs - b.layerMs || (a.nodeId < b.nodeId ? -1 : 1));
  const steady = workers.filter(({ mayFreeze }) => mayFreeze !== true);
  return (steady.length >= snapshot.stages ? placeOver(steady, snapshot) : undefined) ?? placeOver(workers, snapshot) ?? { placed: false };
}

/** Over these workers, sorted; undefined when they hold too little. */
function placeOver(workers: readonly PlacementWorker[], snapshot: PlacementSnapshot): Placement | undefined {
  const { footprint, positions } = snapshot;
  const most = Math.min(workers.length, footprint.layers, MAX_STAGES);
  const fewest = leastStages(workers, cutBytes(0, footprint.layers, footprint, positions));
  for (let stages = Math.max(fewest, Math.min(snapshot.stages, most)); stages >= 1 && stages <= most; stages++) {
    for (const candidates of candidateSets(workers, stages)) {
      const cuts = bestRing(candidates, stages, snapshot);
      if (cuts !== undefined) return placed(keptRing(cuts, workers, snapshot) ?? cuts, footprint);
    }
  }
  // The search looks at some workers and ends only: what it does not find may be had of the roomiest.
  const roomiest = roomiestRing(workers.map(({ memoryBudgetBytes }) => memoryBudgetBytes), footprint, positions);
  if (roomiest === undefined) return undefined;
  return placed(roomiest.flatMap(({ budget, from, to }) => workers.slice(budget, budget + 1).map((worker): Cut => ({ worker, from, to }))), footprint);
}

/** Stages below which even the roomiest workers hold too little in sum; more than there are workers when all of them do. */
function leastStages(workers: readonly PlacementWorker[], needed: number): number {
  const budgets = workers.map(({ memoryBudgetBytes }) => memoryBudgetBytes).sort((a, b) => b - a);
  let [stages, held] = [0, 0];
  while (held < needed && stages <= budgets.length) held += budgets[stages++] ?? 0;
  return stages;
}

/** The previous ring, when its workers are all here, it has as many stages, still fits, and the move to the best one would not pay off. */
function keptRing(best: readonly Cut[], workers: readonly PlacementWorker[], { previous = [], footprint, positions }: PlacementSnapshot): readonly Cut[] | undefined {
  const cuts = previous.flatMap(({ worker: nodeId, from, to }): Cut[] => {
    const worker = workers.find((each) => each.nodeId === nodeId);
    return worker !== undefined && cutBytes(from, to, footprint, positions) <= worker.memoryBudgetBytes ? [{ worker, from, to }] : [];
  });
  if (cuts.length !== previous.length || cuts.length !== best.length || cuts.at(-1)?.to !== footprint.layers) return undefined;
  return paysOff(best, cuts, footprint) ? undefined : cuts;
}

/** The fastest workers; and when those hold too little, the roomiest. */
function* candidateSets(workers: readonly PlacementWorker[], stages: number): Generator<readonly PlacementWorker[]> {
  const size = Math.max(MAX_CANDIDATES, stages);
  yield workers.slice(0, size);
  if (workers.length <= size) return;
  const roomiest = new Set(workers.toSorted((a, b) => b.memoryBudgetBytes - a.memoryBudgetBytes).slice(0, size));
  yield workers.filter((worker) => roomiest.has(worker));
}

function bestRing(workers: readonly PlacementWorker[], stages: number, snapshot: PlacementSnapshot): readonly Cut[] | undefined {
  const { footprint, positions } = snapshot;
  const fits = (from: number, to: number) => (worker: PlacementWorker): boolean => cutBytes(from, to, footprint, positions) <= worker.memoryBudgetBytes;
  if (stages === 1) {
    const rings = workers.filter(fits(0, footprint.layers)).map((worker): Cut[] => [{ worker, from: 0, to: footprint.layers }]);
    return least(rings, (ring) => ringTime(ring, footprint).slowestMs);
  }
  const ends = footprint.layers * stages < DEEP ? END_CANDIDATES : DEEP_END_CANDIDATES;
  const firsts = workers.filter(fits(0, 1)).slice(0, ends);
  const lasts = workers.filter(fits(footprint.layers - 1, footprint.layers)).toSorted((a, b) => a.layerMs + a.headMs - (b.layerMs + b.headMs)).slice(0, ends);
  const pairs = firsts.flatMap((first) => lasts.flatMap((last) => (first === last ? [] : [{ first, last, middles: workers.filter((worker) => worker !== first && worker !== last) }])));
  // Each search only looks for something quicker than the best so far: most of them end early.
  let quickest: number | undefined;
  for (const { middles, ...pair } of pairs) {
    const cuts = cutLayers(pair, middles, stages - 2, { footprint, positions, ...(quickest === undefined ? {} : { belowMs: quickest }) });
    if (cuts !== undefined) quickest = ringTime(cuts, footprint).slowestMs;
  }
  if (quickest === undefined) return undefined;
  const withinMs = quickest;
  const rings = pairs.flatMap(({ middles, ...pair }) => {
    const cuts = cutLayers(pair, middles, stages - 2, { footprint, positions, withinMs });
    return cuts === undefined ? [] : [cuts];
  });
  const cost = (ring: readonly Cut[]): number => ringCost(ring, footprint);
  // The cheapest are gone on from by what is known of pairs: one may lead where another does not.
  const begins: (readonly Cut[])[] = rings.toSorted((a, b) => cost(a) - cost(b)).slice(0, NEARER_BEGINS);
  return least([...begins, ...begins.map((ring) => nearerRing(ring, workers, { footprint, positions, withinMs }))], cost);
}

/** The first of the least: with sorted input the same one every time. */
function least<T>(items: readonly T[], value: (item: T) => number): T | undefined {
  let best: { item: T; value: number } | undefined;
  for (const item of items) {
    const now = value(item);
    if (best === undefined || now < best.value) best = { item, value: now };
  }
  return best?.item;
}

function placed(cuts: readonly Cut[], footprint: ModelFootprint): Placement {
  const room = cuts.map(({ worker, from, to }) => Math.floor((worker.memoryBudgetBytes - stageBytes(footprint, from, to)) / ((to - from) * footprint.kvBytes)));
  return {
    placed: true,
    stages: cuts.map(({ worker, from, to }) => ({ worker: worker.nodeId, from, to })),
    positions: Math.min(...room),
    ...ringTime(cuts, footprint),
  };
}
