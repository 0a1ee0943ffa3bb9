import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { createReferenceSession } from '@ciro/signaling/models/ort.ts';
import { REFERENCE_CHUNK_TOKENS } from '@ciro/signaling/models/reference-run.ts';
import type { BenchModel } from './models.ts';

export interface Continuation extends AsyncDisposable {
  /** `ids` and what the model makes of them, up to the length asked for at opening. */
  continue(ids: readonly number[], choose: (logits: Float32Array) => number): Promise<number[]>;
}

/** The whole model in one stage, for making prompts longer: 25 ms a token of SmolLM2. */
export async function openContinuation(model: BenchModel, positions: number): Promise<Continuation> {
  const { manifest } = model;
  const { architecture } = manifest;
  const shape = { from: 0, to: architecture.layers, embeds: true, heads: true };
  const shards = new Map<string, Uint8Array>();
  for (const { name } of manifest.shards) shards.set(name, await model.shard(name));
  const weights = new StageWeights(manifest, shape, shards);
  const layers = await createReferenceSession(buildLayersGraph(architecture, shape), (name) => weights.expand(name));
  const head = await createReferenceSession(buildHeadGraph(architecture), (name) => weights.expand(name));
  const runner = new StageRunner(architecture, shape, { layers, head, embedding: new EmbeddingTable(manifest, shards.get('embedding') ?? new Uint8Array()) });
  return {
    async continue(beginning, choose) {
      const ids = [...beginning];
      runner.openJob('prompt', positions);
      let logits: Float32Array | undefined;
      for (let at = 0; ids.length < positions; ) {
        const count = Math.min(REFERENCE_CHUNK_TOKENS, ids.length - at);
        ({ logits } = await runner.run('prompt', at, Uint32Array.from(ids.slice(at, at + count)), count, { logits: true }));
        at += count;
        if (at === ids.length && logits !== undefined) ids.push(choose(logits));
      }
      runner.closeJob('prompt');
      return ids;
    },
    async [Symbol.asyncDispose]() {
      await layers.release();
      await head.release();
    },
  };
}
