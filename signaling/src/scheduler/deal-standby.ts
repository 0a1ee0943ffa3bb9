import type { NodeId } from '@ciro/core/ids.ts';
import { MAX_SPARES_A_RANGE } from './scheduler-limits.ts';
import { sameRange } from './slot.ts';
import type { LayerRange } from './slot.ts';

/** A range of the ring that spares may stand by with. */
export interface StandbyRange extends LayerRange {
  /** Weights, and the caches of its jobs. */
  readonly bytes: number;
  /** Of the worker that serves it, 0 … 1. */
  readonly reputation: number;
}

/** A worker that is not in the ring. */
export interface StandbySpare {
  readonly nodeId: NodeId;
  readonly memoryBudgetBytes: number;
  readonly layerMs: number;
  /** What it was told to hold. */
  readonly holds: (LayerRange & { readonly ready: boolean }) | undefined;
}

/**
 * Which range each spare stands by with; spares that are missing in it hold nothing. A spare keeps the range that it has while that is
 * one of the ring's. Every range is covered before one is covered twice, first the one whose loss is likeliest to hurt: of the worker
 * with the poorest reputation, then the largest; past MAX_SPARES_A_RANGE of a range nobody begins to load it. Pure and deterministic, whatever order spares come in.
 *
 * @param keepOnly the ring still loads: nobody is to begin a load beside it
 */
export function dealStandby(ranges: readonly StandbyRange[], spares: readonly StandbySpare[], keepOnly: boolean): ReadonlyMap<NodeId, StandbyRange> {
  // A spare audits, too, and an audit of this ring loads any of its ranges: standing by must leave room for the largest.
  const auditBytes = Math.max(0, ...ranges.map(({ bytes }) => bytes));
  const fits = (spare: StandbySpare, range: StandbyRange): boolean => range.bytes + auditBytes <= spare.memoryBudgetBytes;
  // The least budget that suffices leaves the roomy spares to larger ranges.
  const sorted = spares.toSorted((a, b) => a.memoryBudgetBytes - b.memoryBudgetBytes || a.layerMs - b.layerMs || (a.nodeId < b.nodeId ? -1 : 1));
  const urgent = ranges.toSorted((a, b) => a.reputation - b.reputation || b.bytes - a.bytes || a.from - b.from);
  const dealt = new Map<NodeId, StandbyRange>();
  const covers = new Map<StandbyRange, number>(ranges.map((range) => [range, 0]));
  const coversOf = (range: StandbyRange): number => covers.get(range) ?? 0;
  const deal = (spare: StandbySpare, range: StandbyRange): void => {
    const before = dealt.get(spare.nodeId);
    if (before !== undefined) covers.set(before, coversOf(before) - 1);
    dealt.set(spare.nodeId, range);
    covers.set(range, coversOf(range) + 1);
  };
  for (const spare of sorted) {
    const range = ranges.find((each) => sameRange(spare.holds, each) && fits(spare, each));
    if (range !== undefined) deal(spare, range);
  }
  if (keepOnly) return dealt;
  const isUncovered = (range: StandbyRange): boolean => coversOf(range) === 0;
  for (const range of urgent.filter(isUncovered)) {
    const spare = sorted.find((each) => !dealt.has(each.nodeId) && fits(each, range));
    if (spare !== undefined) deal(spare, range);
  }
  for (const spare of sorted.filter(({ nodeId }) => !dealt.has(nodeId))) {
    const [range] = urgent.filter((each) => coversOf(each) < MAX_SPARES_A_RANGE && fits(spare, each)).toSorted((a, b) => coversOf(a) - coversOf(b));
    if (range !== undefined) deal(spare, range);
  }
  // What only spares with a range have room for goes to one whose range another holds, too: to the one that loses least.
  for (const range of urgent.filter(isUncovered)) {
    const [spare] = sorted.filter((each) => fits(each, range) && isSecond(dealt.get(each.nodeId), coversOf)).toSorted((a, b) => lossOf(a, dealt) - lossOf(b, dealt));
    if (spare !== undefined) deal(spare, range);
  }
  return dealt;
}

const isSecond = (range: StandbyRange | undefined, coversOf: (range: StandbyRange) => number): boolean => range !== undefined && coversOf(range) > 1;

/** What giving up its range costs a spare: nothing when it was not told of it yet, more when it has loaded it. */
function lossOf({ nodeId, holds }: StandbySpare, dealt: ReadonlyMap<NodeId, StandbyRange>): number {
  const range = dealt.get(nodeId);
  if (range === undefined || !sameRange(holds, range)) return 0;
  return holds?.ready === true ? 2 : 1;
}
