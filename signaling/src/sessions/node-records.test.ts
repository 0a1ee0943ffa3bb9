import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { publicNode, withUpdate } from './node-records.ts';

const nodeId = 'ab'.repeat(20) as NodeId;
const update = { nodeId, publicKey: '0x1', at: 10_000, connectedMs: 4_000, latencyTotalMs: 90, latencySamples: 3, computeContributed: 12, jobsServed: 2, jobsFailed: 1 };

it('updates add up; the first one says since when the node is known', () => {
  const first = withUpdate(undefined, update);
  expect(first).toMatchObject({ firstSeen: 6_000, lastSeen: 10_000 });
  expect(withUpdate(first, { ...update, at: 20_000 })).toMatchObject({ firstSeen: 6_000, lastSeen: 20_000, connectedMs: 8_000, latencyTotalMs: 180, latencySamples: 6, computeContributed: 24, jobsServed: 4, jobsFailed: 2 });
});

it('the public record has the words of /v1/nodes, with what is known of the node\'s conduct', () => {
  const node = withUpdate(undefined, update);
  expect(publicNode(node, { successfulAudits: 5, failedAudits: 1, reputation: 0.75, demotedAt: null }, 14_000)).toEqual({
    node_id: nodeId, public_key: '0x1', last_seen: '1970-01-01T00:00:10.000Z', uptime_ratio: 0.5, avg_latency_ms: 30,
    audits: 6, successful_audits: 5, failed_audits: 1, compute_contributed: 12, reputation: 0.75, state: 'active',
  });
  expect(publicNode({ ...node, latencySamples: 0 }, { successfulAudits: 0, failedAudits: 1, reputation: 0, demotedAt: 12_000 }, 6_000)).toMatchObject({ avg_latency_ms: null, uptime_ratio: 1, state: 'demoted' });
});
