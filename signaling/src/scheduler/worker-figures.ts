import { REPUTATION_PENALTY } from './scheduler-limits.ts';
import type { Worker } from '../sessions/worker.ts';
import type { PlacementWorker } from './cut-layers.ts';
import type { PlacementStandings } from './standings-port.ts';

/** What placement knows of workers: whoever has a poor record counts as somewhat slower than it is. */
export function figuresOf(workers: readonly Worker[], standings: PlacementStandings): PlacementWorker[] {
  const reputations = standings.reputations(workers);
  return workers.map(({ nodeId, profile, rttMs, mayFreeze = false }) => {
    const slower = 1 + REPUTATION_PENALTY * (1 - (reputations.get(nodeId) ?? 0));
    return { nodeId, layerMs: profile.layerMs * slower, headMs: profile.headMs * slower, memoryBudgetBytes: profile.memoryBudgetBytes, rttMs, mayFreeze };
  });
}
