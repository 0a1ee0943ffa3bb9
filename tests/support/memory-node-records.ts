import type { NodeId } from '@ciro/core/ids.ts';
import { withUpdate } from '@ciro/signaling/sessions/node-records.ts';
import type { NodeRecords, NodeUpdate, StoredNode } from '@ciro/signaling/sessions/node-records.ts';

/** Node records in memory; `failing` makes every write fail. */
export class MemoryNodeRecords implements NodeRecords {
  readonly nodes = new Map<NodeId, StoredNode>();
  failing = false;

  add(updates: readonly NodeUpdate[]): Promise<void> {
    if (this.failing) return Promise.reject(new Error('the disk is full'));
    for (const update of updates) this.nodes.set(update.nodeId, withUpdate(this.nodes.get(update.nodeId), update));
    return Promise.resolve();
  }

  find(nodeId: NodeId): Promise<StoredNode | undefined> {
    return Promise.resolve(this.nodes.get(nodeId));
  }

  list(limit: number): Promise<readonly StoredNode[]> {
    return Promise.resolve([...this.nodes.values()].sort((a, b) => b.lastSeen - a.lastSeen).slice(0, limit));
  }
}
