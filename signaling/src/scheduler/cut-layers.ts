import type { NodeId } from '@ciro/core/ids.ts';
import { stageBytes } from './model-footprint.ts';
import type { ModelFootprint } from './model-footprint.ts';

/** What placement knows of a worker. Times in milliseconds a position, memory in bytes. */
export interface PlacementWorker {
  readonly nodeId: NodeId;
  readonly layerMs: number;
  readonly headMs: number;
  readonly memoryBudgetBytes: number;
  readonly rttMs: number;
  /** Placed last: its browser may stop it at any time. */
  readonly mayFreeze?: boolean;
}

/** A range of layers on a worker. */
export interface Cut {
  readonly worker: PlacementWorker;
  readonly from: number;
  readonly to: number;
}

/** The slowest stage and the whole ring, milliseconds a position. */
export interface RingTime {
  readonly slowestMs: number;
  readonly totalMs: number;
}

/** The best ranges so far for a prefix of the layers: a list from the last cut back to the first. */
interface Prefix {
  readonly value: number;
  readonly cut: Cut;
  readonly before: Prefix | undefined;
}

/** Sums of the same numbers in another order differ in the last bits: a bound that was met once must be met again. */
const ROUNDING = 1 + 1e-9;

/** Weight of a stage's squared time against the total: only parts that are otherwise equal are told apart, the more even cut wins. */
const EVENNESS = 1e-6;

export const stageMs = (cut: Cut, footprint: ModelFootprint): number =>
  (cut.to - cut.from) * cut.worker.layerMs + (cut.to === footprint.layers ? cut.worker.headMs : 0);

/** Bytes a worker needs for a range: weights, and keys and values of `positions` positions. */
export const cutBytes = (from: number, to: number, footprint: ModelFootprint, positions: number): number =>
  stageBytes(footprint, from, to) + (to - from) * footprint.kvBytes * positions;

const costOf = (ms: number, cut: Cut): number => ms + cut.worker.rttMs / 2 + EVENNESS * ms * ms;

/** What is made least among rings whose slowest stage is equally quick: the total, and of equal totals the most even one. */
export const ringCost = (cuts: readonly Cut[], footprint: ModelFootprint): number => cuts.reduce((sum, cut) => sum + costOf(stageMs(cut, footprint), cut), 0);

/** Whole ring of these cuts; a hop costs half a round trip, and one stage has no hop. */
export function ringTime(cuts: readonly Cut[], footprint: ModelFootprint): RingTime {
  const times = cuts.map((cut) => stageMs(cut, footprint));
  const hops = cuts.length < 2 ? 0 : cuts.reduce((sum, cut) => sum + cut.worker.rttMs / 2, 0);
  return { slowestMs: Math.max(...times), totalMs: times.reduce((sum, ms) => sum + ms, hops) };
}

/**
 * Contiguous ranges for `first`, exactly `count` of `middles` in their order, and `last`, by dynamic programming over
 * (middles used, layers covered). Least slowest stage, if below `belowMs`, when `withinMs` is absent; otherwise least `ringCost` among the cuts whose
 * slowest stage is within it. Undefined when nothing fits into the workers' memory.
 */
export function cutLayers(
  ends: { readonly first: PlacementWorker; readonly last: PlacementWorker },
  middles: readonly PlacementWorker[],
  count: number,
  model: { readonly footprint: ModelFootprint; readonly positions: number; readonly belowMs?: number; readonly withinMs?: number },
): Cut[] | undefined {
  const { footprint, positions, belowMs = Number.POSITIVE_INFINITY, withinMs } = model;
  const { layers } = footprint;
  const join = (before: number, cut: Cut): number | undefined => {
    if (cutBytes(cut.from, cut.to, footprint, positions) > cut.worker.memoryBudgetBytes) return undefined;
    const ms = stageMs(cut, footprint);
    if (withinMs === undefined) return ms < belowMs ? Math.max(before, ms) : undefined;
    return ms <= withinMs * ROUNDING ? before + costOf(ms, cut) : undefined;
  };
  // best[used][covered]: filled from the first stage, extended by one middle worker after the other.
  const best: (Prefix | undefined)[][] = Array.from({ length: count + 1 }, () => new Array<Prefix | undefined>(layers + 1).fill(undefined));
  const extend = (used: number, before: Prefix | undefined, from: number, worker: PlacementWorker, most: number): void => {
    for (let to = from + 1; to <= most; to++) {
      const cut = { worker, from, to };
      const value = join(before?.value ?? 0, cut);
      if (value === undefined) return; // a longer range only costs more
      const row = best[used] as (Prefix | undefined)[];
      const known = row[to];
      if (known === undefined || value < known.value) row[to] = { value, cut, before };
    }
  };
  extend(0, undefined, 0, ends.first, layers - 1 - count);
  for (const worker of middles) {
    for (let used = count - 1; used >= 0; used--) {
      for (let from = layers - 2; from >= 1; from--) {
        const before = best[used]?.[from];
        if (before !== undefined) extend(used + 1, before, from, worker, layers - (count - used));
      }
    }
  }
  let whole: Prefix | undefined;
  for (let from = 1; from < layers; from++) {
    const before = best[count]?.[from];
    if (before === undefined) continue;
    const cut = { worker: ends.last, from, to: layers };
    const value = join(before.value, cut);
    if (value !== undefined && (whole === undefined || value < whole.value)) whole = { value, cut, before };
  }
  const cuts: Cut[] = [];
  for (let at = whole; at !== undefined; at = at.before) cuts.unshift(at.cut);
  return whole === undefined ? undefined : cuts;
}
