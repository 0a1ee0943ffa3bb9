import type { NodeRecords } from '../sessions/node-records.ts';
import type { StandingStore } from '../standing/standing-store.ts';
import type { FiguresPort } from './performance-ports.ts';

/** What the store knows of workers: jobs from their records, audits from their standings. */
export function figuresOf({ nodes, standings }: { readonly nodes: Pick<NodeRecords, 'list'>; readonly standings: Pick<StandingStore, 'list'> }): FiguresPort {
  return async (limit) => {
    const seen = await nodes.list(limit);
    const known = await standings.list(seen.map(({ nodeId }) => nodeId));
    return seen.map(({ nodeId, jobsServed, lastSeen }) => {
      const standing = known.get(nodeId);
      return { node: nodeId, jobs: jobsServed, auditsPassed: standing?.successfulAudits ?? 0, auditsFailed: standing?.failedAudits ?? 0, lastSeen };
    });
  };
}
