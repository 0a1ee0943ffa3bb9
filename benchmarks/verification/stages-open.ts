/** A stage that computes whole sequences, whoever provides the sessions: Node or a page. */
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { SessionPort } from '@ciro/core/model/job-cache.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';

/** Positions that the reference run computes at once (SPEC D3). */
export const REFERENCE_CHUNK = 16;

/** A loaded graph that can be freed. */
export interface StageSession extends SessionPort {
  release(): Promise<void>;
}
export type CreateSession = (graph: Graph, weight: (name: string) => Float32Array) => Promise<StageSession>;

/** What a stage is loaded from. */
export interface StageSource {
  readonly manifest: ModelManifest;
  /** Bytes of a shard by name. */
  readonly shard: (name: string) => Promise<Uint8Array>;
}

export interface StageOptions {
  /** Changes a graph weight's values as they are loaded (`layer-3.qkv`, `head.0`, `final_norm`); may write into them. */
  readonly weight?: (name: string, values: Float32Array) => Float32Array;
  /** Stands between the stage and the session of its layers: sees every feed and every output. */
  readonly wrap?: (layers: SessionPort) => SessionPort;
}

export interface RunOptions {
  /** Positions a run; default 16, the reference's. */
  readonly chunk?: number;
}

/** A loaded stage. Free it before the next: a third of SmolLM2 takes 250 MB. */
export interface OpenStage extends AsyncDisposable {
  /** Rows [n, d] of one sequence from position 0: ids for a stage that embeds, else rows [n, d]. */
  run(input: Uint32Array | Float32Array, options?: RunOptions): Promise<Float32Array>;
  /** Logits [n, vocabulary] of final-norm rows [n, d]; the last stage only. */
  logits(rows: Float32Array): Promise<Float32Array>;
}

/** Loads the layers of a shape, and the head for the last stage, into sessions of `create`. */
export async function openStageWith(create: CreateSession, { manifest, shard }: StageSource, shape: StageShape, options: StageOptions = {}): Promise<OpenStage> {
  const { architecture } = manifest;
  const { hidden } = architecture;
  const shards = new Map<string, Uint8Array>();
  for (const { name } of shardsOfStage(manifest, shape)) shards.set(name, await shard(name));
  const weights = new StageWeights(manifest, shape, shards);
  const weight = (name: string): Float32Array => {
    const values = weights.expand(name);
    return options.weight?.(name, values) ?? values;
  };
  const layers = await create(buildLayersGraph(architecture, shape), weight);
  const head = shape.heads ? await create(buildHeadGraph(architecture), weight) : undefined;
  const embedded = shape.embeds ? shards.get('embedding') : undefined;
  const runner = new StageRunner(architecture, shape, {
    layers: options.wrap?.(layers) ?? layers,
    ...(embedded && { embedding: new EmbeddingTable(manifest, embedded) }),
  });
  let runs = 0;
  return {
    async run(input, { chunk = REFERENCE_CHUNK } = {}) {
      const width = shape.embeds ? 1 : hidden;
      const count = input.length / width;
      const job = String(runs++);
      const out = new Float32Array(count * hidden);
      runner.openJob(job, count);
      try {
        for (let at = 0; at < count; at += chunk) {
          const tokens = Math.min(chunk, count - at);
          const { rows } = await runner.run(job, at, input.slice(at * width, (at + tokens) * width), tokens);
          out.set(rows, at * hidden);
        }
      } finally {
        runner.closeJob(job);
      }
      return out;
    },
    async logits(rows) {
      if (head === undefined) throw new RangeError('only the last stage has logits');
      const { logits } = await head.run({ rows: { data: rows, dims: [rows.length / hidden, hidden] } });
      if (logits === undefined) throw new Error('the head gave no logits');
      return logits.slice();
    },
    async [Symbol.asyncDispose]() {
      await layers.release();
      await head?.release();
    },
  };
}
