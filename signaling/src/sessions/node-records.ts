import type { NodeId } from '@ciro/core/ids.ts';

/** What is added to a node's record; the store adds it to what it holds, so that several coordinators may write. */
export interface NodeUpdate {
  readonly nodeId: NodeId;
  /** Identity public key, 0x hex. */
  readonly publicKey: string;
  /** Epoch milliseconds of this update: `lastSeen` becomes the later of both, `firstSeen` the earlier. */
  readonly at: number;
  /** Connected time not yet recorded, milliseconds. */
  readonly connectedMs: number;
  /** Sum and number of round trips measured since the last update. */
  readonly latencyTotalMs: number;
  readonly latencySamples: number;
  /** Positions times layers that were paid. */
  readonly computeContributed: number;
  /** Stage-jobs that were recorded with acknowledged work, and those that failed because of this node. */
  readonly jobsServed: number;
  readonly jobsFailed: number;
}

/** A node as stored: every update so far, summed. */
export interface StoredNode extends Omit<NodeUpdate, 'at'> {
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Port: the store keeps node records over restarts. */
export interface NodeRecords {
  /** Adds updates of different nodes to their sums, creating a node at its first; all of them or none. */
  add(updates: readonly NodeUpdate[]): Promise<void>;
  find(nodeId: NodeId): Promise<StoredNode | undefined>;
  /** Nodes by `lastSeen`, newest first, at most `limit`. */
  list(limit: number): Promise<readonly StoredNode[]>;
}

/** The public record of a node, in the words of `/v1/nodes`. */
export interface PublicNode {
  readonly node_id: NodeId;
  readonly public_key: string;
  /** ISO 8601. */
  readonly last_seen: string;
  /** Connected time over time since first seen, 0 … 1. */
  readonly uptime_ratio: number;
  /** Mean round trip to the coordinator; null before the first measurement. */
  readonly avg_latency_ms: number | null;
  /** Audits of its work and of its opinions, together and by outcome. */
  readonly audits: number;
  readonly successful_audits: number;
  readonly failed_audits: number;
  readonly compute_contributed: number;
  /** 0 … 1: from success rate, speed, uptime and audits. */
  readonly reputation: number;
  /** A demoted node failed an audit by quorum and is placed no more (SPEC A8). */
  readonly state: 'active' | 'demoted';
}

/** What the public record says of a node's conduct. */
export interface Conduct {
  readonly successfulAudits: number;
  readonly failedAudits: number;
  readonly reputation: number;
  readonly demotedAt: number | null;
}

/** The stored node with what is not stored yet. */
export function withUpdate(stored: StoredNode | undefined, update: NodeUpdate): StoredNode {
  const { at, ...added } = update;
  if (stored === undefined) return { ...added, firstSeen: at - added.connectedMs, lastSeen: at };
  return {
    nodeId: stored.nodeId,
    publicKey: added.publicKey,
    firstSeen: Math.min(stored.firstSeen, at),
    lastSeen: Math.max(stored.lastSeen, at),
    connectedMs: stored.connectedMs + added.connectedMs,
    latencyTotalMs: stored.latencyTotalMs + added.latencyTotalMs,
    latencySamples: stored.latencySamples + added.latencySamples,
    computeContributed: stored.computeContributed + added.computeContributed,
    jobsServed: stored.jobsServed + added.jobsServed,
    jobsFailed: stored.jobsFailed + added.jobsFailed,
  };
}

/** Connected time over time since first seen, 0 … 1. */
export function uptimeRatio({ firstSeen, connectedMs }: Pick<StoredNode, 'firstSeen' | 'connectedMs'>, now: number): number {
  const known = now - firstSeen;
  return known > 0 ? Math.min(1, connectedMs / known) : 1;
}

/** What the public sees of a stored node at `now` (epoch milliseconds). */
export function publicNode(node: StoredNode, conduct: Conduct, now: number): PublicNode {
  return {
    node_id: node.nodeId,
    public_key: node.publicKey,
    last_seen: new Date(node.lastSeen).toISOString(),
    uptime_ratio: uptimeRatio(node, now),
    avg_latency_ms: node.latencySamples === 0 ? null : node.latencyTotalMs / node.latencySamples,
    audits: conduct.successfulAudits + conduct.failedAudits,
    successful_audits: conduct.successfulAudits,
    failed_audits: conduct.failedAudits,
    compute_contributed: node.computeContributed,
    reputation: conduct.reputation,
    state: conduct.demotedAt === null ? 'active' : 'demoted',
  };
}
