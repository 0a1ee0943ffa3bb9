import type { NodeId } from '@ciro/core/ids.ts';
import { stageMs } from './cut-layers.ts';
import { LEAST_LAYER_MS } from './scheduler-limits.ts';
import { lapOf } from './worker-book.ts';
import type { Worker } from '../sessions/worker.ts';
import type { Assigned } from './assignments.ts';
import type { JobRecord } from './job-order.ts';
import type { ModelFootprint } from './model-footprint.ts';
import type { WorkerBook } from './worker-book.ts';
import type { Workers } from './workers-port.ts';

/** What a worker said, and what it turned out to be. */
export interface WorkerFigures {
  readonly worker: NodeId;
  /** As it measured itself, milliseconds: one layer, one position and 16; the head, one position. */
  readonly layerMs: number;
  readonly layerMs16: number;
  readonly headMs: number;
  /** Its real times over these. */
  readonly slower: number;
  /** Of its line, measured while it fetched shards; null before. */
  readonly bytesPerMs: number | null;
  /** What it may hold: less than it said once it failed to load as much. */
  readonly memoryBytes: number;
  /** Layers that it holds in advance. */
  readonly standby: { readonly layers: readonly [number, number]; readonly ready: boolean } | null;
}

/** What of a record tells times. */
export type TimedRecord = Pick<JobRecord, 'stages' | 'tokenIds' | 'tokensPerSecond'>;

/** Books what a job showed of its workers; gives those that are now known to be far slower than they said. Nothing once one of them left. */
export function bookJob(
  { stages, tokenIds, tokensPerSecond }: TimedRecord,
  { alone, footprint, workers, book }: { readonly alone: boolean; readonly footprint: ModelFootprint; readonly workers: Pick<Workers, 'worker'>; readonly book: WorkerBook },
): readonly Worker[] {
  const here = stages.flatMap(({ worker }) => workers.worker(worker) ?? []);
  if (here.length < stages.length) return [];
  const times = stages.map(({ worker, layers: [from, to], stats }, stage) => {
    const { nodeId, profile, rttMs } = here[stage] as Worker;
    const claimed = { nodeId, layerMs: Math.max(profile.layerMs, LEAST_LAYER_MS), headMs: profile.headMs, memoryBudgetBytes: 0, rttMs };
    return { worker, claimedMs: stageMs({ worker: claimed, from, to }, footprint), saidMs: stats?.decodeMs.p50 };
  });
  const hopsMs = here.reduce((sum, { rttMs }) => sum + rttMs / 2, 0);
  const slow = book.served({ stages: times, lapMs: alone ? lapOf(tokenIds.length, tokensPerSecond) : undefined, hopsMs });
  return here.filter(({ nodeId }) => slow.includes(nodeId));
}

/** What is shown of a worker. */
export function turnedOut({ nodeId, profile: { layerMs, layerMs16, headMs, memoryBudgetBytes } }: Worker, told: Assigned | null | undefined, book: WorkerBook): WorkerFigures {
  return {
    worker: nodeId,
    layerMs,
    layerMs16,
    headMs,
    slower: book.slower(nodeId),
    bytesPerMs: book.bytesPerMs(nodeId) ?? null,
    memoryBytes: book.memory(nodeId, memoryBudgetBytes),
    standby: told?.standby === true ? { layers: [told.from, told.to], ready: told.holder.ready } : null,
  };
}
