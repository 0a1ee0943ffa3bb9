import type { NodeId } from '@ciro/core/ids.ts';
import { stageBytes } from './model-footprint.ts';
import { ASSUMED_UP_BYTES_PER_MS } from './scheduler-limits.ts';
import type { ModelFootprint } from './model-footprint.ts';

/** What placement knows of a worker. Times in milliseconds a position, memory in bytes. */
export interface PlacementWorker {
  readonly nodeId: NodeId;
  readonly layerMs: number;
  readonly headMs: number;
  readonly memoryBudgetBytes: number;
  /** To the coordinator. */
  readonly rttMs: number;
  /** To other workers, where links measured it (SPEC W5). */
  readonly rttTo?: ReadonlyMap<NodeId, number>;
  /** Of its line up; absent before it was measured. */
  readonly upBytesPerMs?: number;
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
export const ROUNDING = 1 + 1e-9;

/** Weight of a stage's squared time against the total: only parts that are otherwise equal are told apart, the more even cut wins. */
const EVENNESS = 1e-6;

export const stageMs = ({ worker, from, to }: Cut, footprint: ModelFootprint): number => rangeMs(worker, from, to, footprint.layers);

const rangeMs = (worker: PlacementWorker, from: number, to: number, layers: number): number => (to - from) * worker.layerMs + (to === layers ? worker.headMs : 0);

/** Bytes a worker needs for a range: weights, and keys and values of `positions` positions. */
export const cutBytes = (from: number, to: number, footprint: ModelFootprint, positions: number): number =>
  stageBytes(footprint, from, to) + (to - from) * footprint.kvBytes * positions;

/** A row on its way out of a stage. What the last one sends is an id. */
const sendMs = (worker: PlacementWorker, to: number, { layers, rowBytes = 0 }: ModelFootprint): number => (to === layers ? 0 : rowBytes / (worker.upBytesPerMs ?? ASSUMED_UP_BYTES_PER_MS));

/**
 * One way from a worker to another: half the round trip that a link between them measured. Where none did, half of both round trips to the coordinator:
 * no pair is further apart than the way through it, which it can always take.
 */
export const hopMs = (from: Pick<PlacementWorker, 'rttMs' | 'rttTo'>, to: Pick<PlacementWorker, 'nodeId' | 'rttMs'>): number => (from.rttTo?.get(to.nodeId) ?? from.rttMs + to.rttMs) / 2;

/** What one stage costs of a ring, its hops as if no pair were known: so it does not hang on its neighbours. A ring has each end of a hop once. */
const costOf = (ms: number, worker: PlacementWorker, to: number, footprint: ModelFootprint): number => ms + worker.rttMs + sendMs(worker, to, footprint) + EVENNESS * ms * ms;

/** What a stage and the hop that leaves it cost, after which `next` comes. */
export function stageCost(cut: Cut, next: Cut, footprint: ModelFootprint): number {
  const ms = stageMs(cut, footprint);
  return ms + hopMs(cut.worker, next.worker) + sendMs(cut.worker, cut.to, footprint) + EVENNESS * ms * ms;
}

/** What is made least among rings whose slowest stage is equally quick: the total, and of equal totals the most even one. */
export const ringCost = (cuts: readonly Cut[], footprint: ModelFootprint): number => cuts.reduce((sum, cut, stage) => sum + stageCost(cut, cuts[(stage + 1) % cuts.length] ?? cut, footprint), 0);

/** Whole ring of these cuts: its stages, and the hops between them. One stage has none. */
export function ringTime(cuts: readonly Cut[], footprint: ModelFootprint): RingTime {
  const times = cuts.map((cut) => stageMs(cut, footprint));
  const hops = cuts.map(({ worker, to }, stage) => hopMs(worker, (cuts[stage + 1] ?? (cuts[0] as Cut)).worker) + sendMs(worker, to, footprint));
  return { slowestMs: Math.max(...times), totalMs: [...times, ...(cuts.length < 2 ? [] : hops)].reduce((sum, ms) => sum + ms, 0) };
}

/**
 * Contiguous ranges for `first`, exactly `count` of `middles` in their order, and `last`, by dynamic programming over
 * (middles used, layers covered). Least slowest stage, if below `belowMs`, when `withinMs` is absent; otherwise the least cost, with hops as if no pair
 * were known, among the cuts whose slowest stage is within it. Undefined when nothing fits into the workers' memory.
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
    return ms <= mostMs ? before + costOf(ms, worker, to, footprint) : undefined;
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
