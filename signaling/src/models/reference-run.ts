import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { createReferenceSession } from './ort.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

/** PROTOCOL 4: the reference run goes in chunks of 16 from position 0. */
export const REFERENCE_CHUNK_TOKENS = 16;

/** Rows [n, hidden] of each sequence at one boundary. */
export type BoundaryRows = readonly Float32Array[];

/**
 * Runs sequences through a model one layer at a time (WASM, one thread, batch 1, chunks of 16 from position 0) and yields
 * the rows of every boundary in order: the embedding's, each layer's, the final norm's. One layer's weights are held at a time.
 *
 * @param layers stops after this many layers, before the final norm when it is fewer than the model has
 */
export async function* referenceRows(
  manifest: ModelManifest,
  readShard: (name: string) => Promise<Uint8Array>,
  sequences: readonly Uint32Array[],
  layers: number = manifest.architecture.layers,
): AsyncGenerator<BoundaryRows> {
  const embedding = new EmbeddingTable(manifest, await readShard('embedding'));
  let rows = sequences.map((ids) => embedding.rows(ids));
  yield rows;
  for (let layer = 0; layer < layers; layer++) {
    rows = await runStage(manifest, readShard, { from: layer, to: layer + 1, embeds: false, heads: false }, rows);
    yield rows;
  }
  const end = manifest.architecture.layers;
  if (layers === end) yield await runStage(manifest, readShard, { from: end, to: end, embeds: false, heads: true }, rows);
}

async function runStage(
  manifest: ModelManifest,
  readShard: (name: string) => Promise<Uint8Array>,
  shape: StageShape,
  inputs: BoundaryRows,
): Promise<Float32Array[]> {
  const { architecture } = manifest;
  const { hidden } = architecture;
  const shards = new Map<string, Uint8Array>();
  for (const shard of shardsOfStage(manifest, shape)) shards.set(shard.name, await readShard(shard.name));
  const weights = new StageWeights(manifest, shape, shards);
  const session = await createReferenceSession(buildLayersGraph(architecture, shape), (name) => weights.expand(name));
  const runner = new StageRunner(architecture, shape, { layers: session });
  const outputs: Float32Array[] = [];
  try {
    for (const [index, rows] of inputs.entries()) {
      const job = String(index);
      const count = rows.length / hidden;
      const out = new Float32Array(rows.length);
      runner.openJob(job, count);
      for (let position = 0; position < count; position += REFERENCE_CHUNK_TOKENS) {
        const tokens = Math.min(REFERENCE_CHUNK_TOKENS, count - position);
        const chunk = rows.slice(position * hidden, (position + tokens) * hidden);
        out.set((await runner.run(job, position, chunk, tokens)).rows, position * hidden);
      }
      runner.closeJob(job);
      outputs.push(out);
    }
  } finally {
    await session.release();
  }
  return outputs;
}
