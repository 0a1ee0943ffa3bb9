import type { NodeId } from '@ciro/core/ids.ts';

/** A node's conduct as stored. */
export interface StoredStanding {
  /** Stage-jobs that the draw passed by or an audit passed. */
  readonly passed: number;
  readonly successfulAudits: number;
  readonly failedAudits: number;
  /** Nats of near misses (SPEC A9). */
  readonly suspicion: number;
  /** Epoch milliseconds; null while it is placed. */
  readonly demotedAt: number | null;
  /** Epoch milliseconds. */
  readonly firstSeen: number;
}

/** What happened to a node: counts are added, the others replace what was there. A demotion stays as it was first made, until `acquit`. */
export interface StandingChange {
  readonly passed?: number;
  readonly successfulAudits?: number;
  readonly failedAudits?: number;
  readonly suspicion?: number;
  readonly demotedAt?: number;
}

/** Port: standings over restarts. */
export interface StandingStore {
  /** Changes a node's standing and gives it; the first change, which may say nothing, makes it, first seen `at` (epoch milliseconds). */
  change(node: NodeId, change: StandingChange, at: number): Promise<StoredStanding>;
  /** A conviction that the court set aside, once for its name: one failed audit less, and no demotion unless it stays (SPEC Q4). */
  acquit(node: NodeId, name: string, staysDemoted: boolean, at: number): Promise<StoredStanding>;
  /** Standings of these nodes, as far as they were ever seen. */
  list(nodes: readonly NodeId[]): Promise<ReadonlyMap<NodeId, StoredStanding>>;
  /** Demoted nodes, the latest first, at most `limit`. */
  demoted(limit: number): Promise<readonly NodeId[]>;
}

export const newStanding = (firstSeen: number): StoredStanding => ({ passed: 0, successfulAudits: 0, failedAudits: 0, suspicion: 0, demotedAt: null, firstSeen });
