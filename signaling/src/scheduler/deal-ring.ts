import type { NodeId } from '@ciro/core/ids.ts';
import { cutBytes } from './cut-layers.ts';
import { place } from './placement.ts';
import { sameRange } from './slot.ts';
import type { PlacementWorker } from './cut-layers.ts';
import type { ModelFootprint } from './model-footprint.ts';
import type { Placed } from './placement.ts';
import type { LayerRange } from './slot.ts';

/** What a further ring depends on: equal ones give equal rings, whatever order the workers come in. */
export interface RingDeal {
  readonly footprint: ModelFootprint;
  /** Positions of KV cache that every stage must have room for. */
  readonly positions: number;
  /** Stages wanted. */
  readonly stages: number;
  /** The ring that was placed first, and how long a position takes over it (milliseconds). */
  readonly first: { readonly ranges: readonly LayerRange[]; readonly totalMs: number };
  /** Part of the first one's speed that a further ring must have. */
  readonly leastSpeed: number;
  /** Workers that have a part in no ring. */
  readonly free: readonly PlacementWorker[];
}

/** A further ring. */
export interface DealtRing {
  readonly placement: Placed;
  /** Could take over any of its ranges. */
  readonly spare: NodeId;
}

/** A further ring over workers that the first one has over (SPEC P5); undefined where none is to be made. Pure and deterministic. */
export function dealRing(deal: RingDeal): DealtRing | undefined {
  const { footprint, positions, stages, first, leastSpeed } = deal;
  const left = surplusOf(deal);
  // Of budgets cut to that of the last worker which a ring and its spare need, no range is too large for a spare.
  const common = left.map(({ memoryBudgetBytes }) => memoryBudgetBytes).sort((a, b) => b - a)[stages];
  if (common === undefined) return undefined;
  for (const most of [Number.POSITIVE_INFINITY, common]) {
    const workers = left.map((worker) => ({ ...worker, memoryBudgetBytes: Math.min(worker.memoryBudgetBytes, most) }));
    const placement = place({ footprint, positions, stages, workers });
    if (!placement.placed || first.totalMs < leastSpeed * placement.totalMs) continue;
    const largest = Math.max(...placement.stages.map(({ from, to }) => cutBytes(from, to, footprint, positions)));
    const spare = helperOf(left.filter(({ nodeId }) => !placement.stages.some(({ worker }) => worker === nodeId)), largest);
    if (spare !== undefined) return { placement, spare };
  }
  return undefined;
}

/**
 * Free workers that may go to further rings: those that surely go on running and are quick enough, without the spares that the first ring
 * keeps: one for each of its ranges, as far as anybody could hold it. Nobody where it lacks one of them.
 */
export function surplusOf(deal: RingDeal): readonly PlacementWorker[] {
  const { footprint, positions, first } = deal;
  const strong = new Set(deal.free.filter((worker) => isStrong(worker, deal)));
  const kept = new Set<PlacementWorker>();
  const ranges = first.ranges.map((range) => ({ ...range, bytes: cutBytes(range.from, range.to, footprint, positions) }));
  for (const range of ranges.toSorted((a, b) => b.bytes - a.bytes || a.from - b.from)) {
    const able = deal.free.filter(({ memoryBudgetBytes }) => memoryBudgetBytes >= range.bytes);
    const holds = ({ loaded }: PlacementWorker): number => Number(sameRange(loaded, range));
    const spare = leastOf(able.filter((worker) => !kept.has(worker)), (a, b) => Number(strong.has(b)) - Number(strong.has(a)) || holds(b) - holds(a) || inOrder(a, b));
    if (spare !== undefined) kept.add(spare);
    else if (able.length > 0) return [];
  }
  return [...strong].filter((worker) => !kept.has(worker));
}

/** Of these workers the one that is best spared for a ring that lacks one with so much memory. */
export const helperOf = (workers: readonly PlacementWorker[], bytes: number): NodeId | undefined => leastOf(workers.filter(({ memoryBudgetBytes }) => memoryBudgetBytes >= bytes), inOrder)?.nodeId;

/** A ring of workers like this one would still be quick enough, and its browser does not stop it. */
export function isStrong({ layerMs, headMs, mayFreeze }: PlacementWorker, { footprint, first, leastSpeed }: RingDeal): boolean {
  return mayFreeze !== true && leastSpeed * (footprint.layers * layerMs + headMs) <= first.totalMs;
}

/** The least budget that suffices leaves the roomy ones to larger ranges, and the slowest of equals the quick ones to rings. */
const inOrder = (a: PlacementWorker, b: PlacementWorker): number => a.memoryBudgetBytes - b.memoryBudgetBytes || b.layerMs - a.layerMs || (a.nodeId < b.nodeId ? -1 : 1);

function leastOf<T>(items: readonly T[], order: (a: T, b: T) => number): T | undefined {
  let least: T | undefined;
  for (const item of items) if (least === undefined || order(item, least) < 0) least = item;
  return least;
}
