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
  readonly successfulAudits: number;
  readonly failedAudits: number;
}

/** A node as stored: every update so far, summed. */
export interface StoredNode extends Omit<NodeUpdate, 'at'> {
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** Port: the store keeps node records over restarts. */
export interface NodeRecords {
  /** Adds an update to the node's sums, creating the node at its first. */
  add(update: NodeUpdate): Promise<void>;
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
  readonly successful_audits: number;
  readonly failed_audits: number;
  readonly compute_contributed: number;
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
    successfulAudits: stored.successfulAudits + added.successfulAudits,
    failedAudits: stored.failedAudits + added.failedAudits,
  };
}

/** What the public sees of a stored node at `now` (epoch milliseconds). */
export function publicNode(node: StoredNode, now: number): PublicNode {
  const known = now - node.firstSeen;
  return {
    node_id: node.nodeId,
    public_key: node.publicKey,
    last_seen: new Date(node.lastSeen).toISOString(),
    uptime_ratio: known > 0 ? Math.min(1, node.connectedMs / known) : 1,
    avg_latency_ms: node.latencySamples === 0 ? null : node.latencyTotalMs / node.latencySamples,
    successful_audits: node.successfulAudits,
    failed_audits: node.failedAudits,
    compute_contributed: node.computeContributed,
  };
}
