import { PREFILL_CHUNK_POSITIONS } from '@ciro/core/protocol/limits.ts';
import { LEAST_LAYER_MS, PREFILL_SHARE, REPUTATION_PENALTY } from './scheduler-limits.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Profile, Worker } from '../sessions/worker.ts';
import type { Assignments } from './assignments.ts';
import type { PlacementWorker } from './cut-layers.ts';
import type { PlacementStandings } from './standings-port.ts';
import type { WorkerBook } from './worker-book.ts';

/** Milliseconds a position of one layer and of the head: prompts go through in chunks, answers one by one, and a prompt's positions need no head but the last. */
export function timesOf({ layerMs, layerMs16, headMs }: Pick<Profile, 'layerMs' | 'layerMs16' | 'headMs'>): { readonly layerMs: number; readonly headMs: number } {
  return { layerMs: (1 - PREFILL_SHARE) * Math.max(layerMs, LEAST_LAYER_MS) + (PREFILL_SHARE * layerMs16) / PREFILL_CHUNK_POSITIONS, headMs: (1 - PREFILL_SHARE) * headMs };
}

/** Where the figures of workers come from, beside their profiles. */
export interface FiguresDeps {
  readonly standings: PlacementStandings;
  readonly book: WorkerBook;
  readonly assignments: Pick<Assignments, 'of' | 'cached'>;
}

/** What placement knows of workers: as quick as they turned out to be, and whoever has a poor record counts as somewhat slower than that. */
export function figuresOf(workers: readonly Worker[], modelId: HexHash, { standings, book, assignments }: FiguresDeps): PlacementWorker[] {
  const reputations = standings.reputations(workers);
  return workers.map(({ nodeId, profile, measured, rttMs, mayFreeze = false }) => {
    const slower = (1 + REPUTATION_PENALTY * (1 - (reputations.get(nodeId) ?? 0))) * book.slower(nodeId);
    const { layerMs, headMs } = timesOf(profile);
    const told = assignments.of(nodeId);
    // What was fetched really says more than a probe, and than a claim.
    const bytesPerMs = book.bytesPerMs(nodeId) ?? measured?.line?.downBytesPerMs ?? undefined;
    const upBytesPerMs = measured?.line?.upBytesPerMs ?? undefined;
    return {
      nodeId,
      layerMs: layerMs * slower,
      headMs: headMs * slower,
      memoryBudgetBytes: book.memory(nodeId, profile.memoryBudgetBytes),
      rttMs,
      rttTo: book.rtts.of(nodeId),
      mayFreeze,
      cached: assignments.cached(nodeId, modelId),
      ...(told?.modelId === modelId && told.holder.ready ? { loaded: { from: told.from, to: told.to } } : {}),
      ...(bytesPerMs === undefined ? {} : { bytesPerMs }),
      ...(upBytesPerMs === undefined ? {} : { upBytesPerMs }),
    };
  });
}
