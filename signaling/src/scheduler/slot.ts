import type { NodeId } from '@ciro/core/ids.ts';

/** Layers `[from, to)`. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

export const sameRange = (a: LayerRange | null | undefined, b: LayerRange): boolean => a?.from === b.from && a.to === b.to;

/** A range of layers of the current placement, and who holds it. */
export interface Slot extends LayerRange {
  holder: SlotHolder | undefined;
}

export interface SlotHolder {
  readonly worker: NodeId;
  /** Number of the `assign` message; `shards` messages name it. */
  readonly assignment: number;
  readonly assignedAt: number;
  ready: boolean;
  /** Milliseconds from `assign` to shards ready; undefined until then. */
  readyMs: number | undefined;
  loadedBytes: number;
  totalBytes: number;
  fetchedBytes: number;
  /** Milliseconds from `assign` until the last of these came. */
  fetchingMs: number;
  cancelTimer: () => void;
}

/** What operators and the command line see of a stage. */
export interface StageStatus {
  readonly worker: NodeId | null;
  readonly layers: readonly [number, number];
  readonly shards: 'vacant' | 'loading' | 'ready';
  readonly loadedBytes: number;
  readonly totalBytes: number;
  readonly fetchedBytes: number;
  /** Milliseconds from assignment to shards ready. */
  readonly readyMs: number | null;
}

export function stageStatus({ from, to, holder }: Slot): StageStatus {
  const layers = [from, to] as const;
  if (holder === undefined) return { worker: null, layers, shards: 'vacant', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0, readyMs: null };
  const { worker, ready, readyMs, loadedBytes, totalBytes, fetchedBytes } = holder;
  return { worker, layers, shards: ready ? 'ready' : 'loading', loadedBytes, totalBytes, fetchedBytes, readyMs: readyMs ?? null };
}
