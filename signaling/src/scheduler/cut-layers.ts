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
  /** What it has loaded and could serve at once. */
  readonly loaded?: { readonly from: number; readonly to: number };
  /** Layers of this model that it has fetched before. */
  readonly cached?: ReadonlySet<number>;
  /** How quick its line was at that; absent before it fetched anything. */
  readonly bytesPerMs?: number;
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

export const stageMs = ({ worker, from, to }: Cut, footprint: ModelFootprint): number => rangeMs(worker, from, to, footprint.layers);

const rangeMs = (worker: PlacementWorker, from: number, to: number, layers: number): number => (to - from) * worker.layerMs + (to === layers ? worker.headMs : 0);

/** Bytes a worker needs for a range: weights, and keys and values of `positions` positions. */
export const cutBytes = (from: number, to: number, footprint: ModelFootprint, positions: number): number =>
  stageBytes(footprint, from, to) + (to - from) * footprint.kvBytes * positions;

const costOf = (ms: number, worker: PlacementWorker): number => ms + worker.rttMs / 2 + EVENNESS * ms * ms;

/** What is made least among rings whose slowest stage is equally quick: the total, and of equal totals the most even one. */
export const ringCost = (cuts: readonly Cut[], footprint: ModelFootprint): number => cuts.reduce((sum, cut) => sum + costOf(stageMs(cut, footprint), cut.worker), 0);

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
  // What layers [0, to) take: the search asks for the bytes of a range some hundred thousand times.
  const upTo = Array.from({ length: layers + 1 }, (_, to) => cutBytes(0, to, { ...footprint, embeddingBytes: 0, headBytes: 0 }, positions));
  const bytesOf = (from: number, to: number): number => (upTo[to] ?? 0) - (upTo[from] ?? 0) + (from === 0 ? footprint.embeddingBytes : 0) + (to === layers ? footprint.headBytes : 0);
  const mostMs = withinMs === undefined ? undefined : withinMs * ROUNDING;
  const join = (before: number, worker: PlacementWorker, from: number, to: number): number | undefined => {
    if (bytesOf(from, to) > worker.memoryBudgetBytes) return undefined;
    const ms = rangeMs(worker, from, to, layers);
    if (mostMs === undefined) return ms < belowMs ? Math.max(before, ms) : undefined;
    return ms <= mostMs ? before + costOf(ms, worker) : undefined;
  };
  // best[used][covered]: filled from the first stage, extended by one middle worker after the other.
  const best: (Prefix | undefined)[][] = Array.from({ length: count + 1 }, () => new Array<Prefix | undefined>(layers + 1).fill(undefined));
  const extend = (used: number, before: Prefix | undefined, from: number, worker: PlacementWorker, most: number): void => {
    const row = best[used] as (Prefix | undefined)[];
    for (let to = from + 1; to <= most; to++) {
      const value = join(before?.value ?? 0, worker, from, to);
      if (value === undefined) return; // a longer range only costs more
      const known = row[to];
      if (known === undefined || value < known.value) row[to] = { value, cut: { worker, from, to }, before };
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
    const value = join(before.value, ends.last, from, layers);
    if (value !== undefined && (whole === undefined || value < whole.value)) whole = { value, cut: { worker: ends.last, from, to: layers }, before };
  }
  const cuts: Cut[] = [];
  for (let at = whole; at !== undefined; at = at.before) cuts.unshift(at.cut);
  return whole === undefined ? undefined : cuts;
}
