import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { outputOf } from '@ciro/core/model/job-cache.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { createReferenceSession } from './ort.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

/** PROTOCOL 4: the reference run goes in chunks of 16 from position 0. */
export const REFERENCE_CHUNK_TOKENS = 16;

/** Rows [n, hidden] of each sequence at one boundary. */
export type BoundaryRows = readonly Float32Array[];

/** Other values for a weight of this shape (`dims`: rows, width; one number for a gain); may write into `values`. */
export type ChangeWeight = (values: Float32Array, dims: readonly number[]) => Float32Array;

/** Layers loaded for the reference run: WASM, one thread, batch 1. */
export interface ReferenceLayers {
  /** Rows of every sequence, each from position 0 in runs of `chunk` positions: 16 is the reference, anything else another honest shape. */
  run(inputs: BoundaryRows, chunk?: number): Promise<Float32Array[]>;
  release(): Promise<void>;
}

/** Loads layers that take rows and give rows; `change` makes other weights of them. */
export async function openReferenceLayers(
  manifest: ModelManifest,
  readShard: (name: string) => Promise<Uint8Array>,
  shape: StageShape & { readonly embeds: false },
  change?: ChangeWeight,
): Promise<ReferenceLayers> {
  const { architecture } = manifest;
  const { hidden } = architecture;
  const shards = new Map<string, Uint8Array>();
  for (const shard of shardsOfStage(manifest, shape)) shards.set(shard.name, await readShard(shard.name));
  const weights = new StageWeights(manifest, shape, shards);
  const graph = buildLayersGraph(architecture, shape);
  const dims = new Map(graph.weights.map((weight) => [weight.name, weight.dims]));
  const session = await createReferenceSession(graph, (name) => {
    const values = weights.expand(name);
    return change?.(values, dims.get(name) ?? []) ?? values;
  });
  const runner = new StageRunner(architecture, shape, { layers: session });
  return {
    async run(inputs, chunk = REFERENCE_CHUNK_TOKENS) {
      const outputs: Float32Array[] = [];
      for (const [index, rows] of inputs.entries()) {
        const job = String(index);
        const count = rows.length / hidden;
        const out = new Float32Array(rows.length);
        runner.openJob(job, count);
        try {
          for (let position = 0; position < count; position += chunk) {
            const tokens = Math.min(chunk, count - position);
            const part = rows.slice(position * hidden, (position + tokens) * hidden);
            out.set((await runner.run(job, position, part, tokens)).rows, position * hidden);
          }
        } finally {
          runner.closeJob(job);
        }
        outputs.push(out);
      }
      return outputs;
    },
    release: () => session.release(),
  };
}

/**
 * Rows of sequences at boundary `from`, taken to boundary `to` layer after layer, so that the weights of one are in memory; and through
 * the final norm where `to` is the model's end.
 */
export async function throughLayers(manifest: ModelManifest, readShard: (name: string) => Promise<Uint8Array>, [from, to]: readonly [number, number], sequences: BoundaryRows): Promise<BoundaryRows> {
  const end = manifest.architecture.layers;
  const shapes = Array.from({ length: to - from }, (_, index) => ({ from: from + index, to: from + index + 1, heads: false }));
  if (to === end) shapes.push({ from: end, to: end, heads: true });
  let rows = sequences;
  for (const shape of shapes) {
    const layers = await openReferenceLayers(manifest, readShard, { ...shape, embeds: false });
    rows = await layers.run(rows).finally(() => layers.release());
  }
  return rows;
}

/** The head as the reference run computes it: final-norm rows [n, hidden] to logits [n, vocabulary]. */
export interface ReferenceHead {
  logits(rows: Float32Array): Promise<Float32Array>;
  release(): Promise<void>;
}

export async function openReferenceHead(manifest: ModelManifest, readShard: (name: string) => Promise<Uint8Array>): Promise<ReferenceHead> {
  const { architecture } = manifest;
  const end = architecture.layers;
  const shape: StageShape = { from: end, to: end, embeds: false, heads: true };
  const shards = new Map<string, Uint8Array>();
  for (const shard of shardsOfStage(manifest, shape)) shards.set(shard.name, await readShard(shard.name));
  const weights = new StageWeights(manifest, shape, shards);
  const session = await createReferenceSession(buildHeadGraph(architecture), (name) => weights.expand(name));
  return {
    logits: async (rows) => outputOf(await session.run({ rows: { data: rows, dims: [rows.length / architecture.hidden, architecture.hidden] } }), 'logits').slice(),
    release: () => session.release(),
  };
}
