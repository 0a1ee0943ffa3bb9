import type { WorkerFigures } from '../scheduler/worker-turnout.ts';
import type { PublicNode } from '../sessions/node-records.ts';

/** What was measured of a node that is connected, in the words of `/v1/nodes`: its own word, unless it says otherwise. */
export interface NodeProfile {
  readonly engine: 'wasm' | 'webgpu';
  /** Milliseconds of one layer of the default model for one position and for 16, and of the head. */
  readonly layer_ms: number;
  readonly layer_ms_16: number;
  readonly head_ms: number;
  /** Real times of its jobs over these; 1 before any. */
  readonly slower: number;
  readonly memory_bytes: number;
  readonly line: {
    readonly down_bytes_per_ms: number | null;
    /** `fetches`: timed by the coordinator while weights came. `told`: the node's own word. */
    readonly down_from: 'fetches' | 'told' | null;
    readonly up_bytes_per_ms: number | null;
  };
  /** Round trips: to the coordinator, and to nodes that a link joined it to within the last hour. */
  readonly rtt_ms: number;
  readonly neighbours: readonly { readonly node_id: string; readonly rtt_ms: number; readonly age_s: number }[];
  /** Part of a lap that its engine computed; null before it served a job that had the ring for itself. */
  readonly engine_share: number | null;
  /** One run of each shape (SPEC W4). Nothing is placed by them. */
  readonly scores: { readonly engine: 'wasm' | 'webgpu' } & Readonly<Record<'bert' | 'resnet' | 'whisper', { readonly ms: number; readonly gflops: number } | null>> | null;
}

/** Public records with the profile of those that are connected, null for others. */
export function nodesWithProfiles(nodes: readonly PublicNode[], figures: readonly WorkerFigures[]): readonly (PublicNode & { readonly profile: NodeProfile | null })[] {
  const byNode = new Map(figures.map((each) => [each.worker, each]));
  return nodes.map((node) => {
    const found = byNode.get(node.node_id);
    return { ...node, profile: found === undefined ? null : profileOf(found) };
  });
}

function profileOf({ engine, layerMs, layerMs16, headMs, slower, memoryBytes, bytesPerMs, told, rttMs, rtts, engineShare, scores }: WorkerFigures): NodeProfile {
  const score = (of: { readonly ms: number; readonly gigaflops: number } | null) => (of === null ? null : { ms: of.ms, gflops: of.gigaflops });
  return {
    engine,
    layer_ms: layerMs,
    layer_ms_16: layerMs16,
    head_ms: headMs,
    slower,
    memory_bytes: memoryBytes,
    line: { down_bytes_per_ms: bytesPerMs ?? told.downBytesPerMs, down_from: bytesPerMs !== null ? 'fetches' : told.downBytesPerMs !== null ? 'told' : null, up_bytes_per_ms: told.upBytesPerMs },
    rtt_ms: rttMs,
    neighbours: rtts.map(({ peer, rttMs: ms, ageMs }) => ({ node_id: peer, rtt_ms: ms, age_s: Math.round(ageMs / 1_000) })),
    engine_share: engineShare,
    scores: scores === null ? null : { engine: scores.engine, bert: score(scores.shapes.bert), resnet: score(scores.shapes.resnet), whisper: score(scores.shapes.whisper) },
  };
}
