import type { NodeId } from '@ciro/core/ids.ts';
import { SCORE_SHAPES } from '@ciro/core/protocol/measured.ts';
import { gigaflops } from '@ciro/core/model/graph/score-graphs.ts';
import { hopMs, stageMs } from './cut-layers.ts';
import { LEAST_LAYER_MS } from './scheduler-limits.ts';
import { lapOf } from './worker-book.ts';
import type { ScoreShape } from '@ciro/core/protocol/measured.ts';
import type { Worker } from '../sessions/worker.ts';
import type { Assigned } from './assignments.ts';
import type { JobRecord } from './job-order.ts';
import type { ModelFootprint } from './model-footprint.ts';
import type { PairRtt } from './rtt-matrix.ts';
import type { WorkerBook } from './worker-book.ts';
import type { Workers } from './workers-port.ts';

/** Of each shape: milliseconds as the worker told them, and what they come to; null where its engine cannot run it. */
export interface WorkerScores {
  readonly engine: 'wasm' | 'webgpu';
  readonly shapes: Readonly<Record<ScoreShape, { readonly ms: number; readonly gigaflops: number } | null>>;
}

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
  /** As it told it: what placement takes until it fetched, and of the way up always (SPEC W3). */
  readonly told: { readonly downBytesPerMs: number | null; readonly upBytesPerMs: number | null };
  readonly engine: 'wasm' | 'webgpu';
  /** To the coordinator, and to other workers where links measured it (SPEC W5). */
  readonly rttMs: number;
  readonly rtts: readonly PairRtt[];
  /** Part of its laps that its engine computed; null before it served a job alone (SPEC W6). */
  readonly engineShare: number | null;
  /** What it measured of other shapes of networks (SPEC W4); null before. */
  readonly scores: WorkerScores | null;
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
  const lapMs = alone ? lapOf(tokenIds.length, tokensPerSecond) : undefined;
  // The first stage times laps from id to id; a ring of one has none, and where it says nothing they are timed from here.
  const timedMs = stages[0]?.stats?.lapMs.p50 || lapMs;
  const times = stages.map(({ worker, layers: [from, to], stats }, stage) => {
    const { nodeId, profile, rttMs } = here[stage] as Worker;
    const claimed = { nodeId, layerMs: Math.max(profile.layerMs, LEAST_LAYER_MS), headMs: profile.headMs, memoryBudgetBytes: 0, rttMs };
    return { worker, claimedMs: stageMs({ worker: claimed, from, to }, footprint), saidMs: stats?.decodeMs.p50, ...shareOf(alone, stats?.decodeMs.p50, timedMs) };
  });
  const hopsMs = here.length < 2 ? 0 : here.reduce((sum, from, stage) => sum + hopMs({ rttMs: from.rttMs, rttTo: book.rtts.of(from.nodeId) }, here[(stage + 1) % here.length] as Worker), 0);
  const slow = book.served({ stages: times, lapMs, hopsMs });
  return here.filter(({ nodeId }) => slow.includes(nodeId));
}

/** Jobs that share a ring wait for each other: their laps say nothing of one. */
function shareOf(alone: boolean, decodeMs: number | undefined, lapMs: number | undefined): { readonly engineShare?: number } {
  return !alone || decodeMs === undefined || decodeMs <= 0 || lapMs === undefined || lapMs <= 0 ? {} : { engineShare: Math.min(1, decodeMs / lapMs) };
}

function scoresOf({ measured }: Worker): WorkerScores | null {
  const scores = measured?.scores;
  if (scores === undefined) return null;
  const shapes = SCORE_SHAPES.map((shape) => {
    const ms = scores.ms[shape];
    return [shape, ms === null ? null : { ms, gigaflops: gigaflops(shape, ms) }] as const;
  });
  return { engine: scores.engine, shapes: Object.fromEntries(shapes) as WorkerScores['shapes'] };
}

/** What is shown of a worker. */
export function turnedOut(worker: Worker, told: Assigned | null | undefined, book: WorkerBook): WorkerFigures {
  const { nodeId, rttMs, measured, profile: { engine, layerMs, layerMs16, headMs, memoryBudgetBytes } } = worker;
  return {
    worker: nodeId,
    layerMs,
    layerMs16,
    headMs,
    slower: book.slower(nodeId),
    bytesPerMs: book.bytesPerMs(nodeId) ?? null,
    told: measured?.line ?? { downBytesPerMs: null, upBytesPerMs: null },
    engine,
    rttMs,
    rtts: book.rtts.list(nodeId),
    engineShare: book.engineShare(nodeId) ?? null,
    scores: scoresOf(worker),
    memoryBytes: book.memory(nodeId, memoryBudgetBytes),
    standby: told?.standby === true ? { layers: [told.from, told.to], ready: told.holder.ready } : null,
  };
}
