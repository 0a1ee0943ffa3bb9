import type { NodeId } from '@ciro/core/ids.ts';
import type { Worker } from '../sessions/worker.ts';

/** Port: what placement has to know of workers' conduct. `Standings` is one. */
export interface PlacementStandings {
  /** A demoted worker is placed no more (SPEC A8). */
  isDemoted(node: NodeId): boolean;
  /** Reputation of each of these workers, 0 … 1. */
  reputations(workers: readonly Worker[]): ReadonlyMap<NodeId, number>;
  /** Calls `listener` when a node turns out to be demoted. */
  onDemoted(listener: (node: NodeId) => void): void;
}
