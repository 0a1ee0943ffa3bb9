/**
 * A stage that is loaded and run in small pieces, each in a turn that somebody else gives: layer by layer, and the head in
 * slices. For work that must not hold up a ring. Loading ten layers of SmolLM2 at once blocks a worker for 420 ms, one layer
 * for 50; a chunk of 16 takes 54 ms over ten layers, 7 over one (WASM, measured).
 */
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { EngineError } from '@ciro/core/model/engine-error.ts';
import { addProduct } from '@ciro/core/model/graph/layer-nodes.ts';
import { OnnxModel } from '@ciro/core/model/graph/onnx-model.ts';
import { buildLayersGraph, headSliceName, headSlices } from '@ciro/core/model/graph/stage-graph.ts';
import { outputOf } from '@ciro/core/model/job-cache.ts';
import { KvCache } from '@ciro/core/model/kv-cache.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { createSession } from './ort.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { Graph } from '@ciro/core/model/graph/stage-graph.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { EngineSession, Provider } from './ort.ts';

/** Runs a task when nothing more urgent waits, and gives what it gives. */
export type Turn = <Result>(task: () => Promise<Result>) => Promise<Result>;

export interface PiecewiseOptions {
  readonly manifest: ModelManifest;
  readonly shape: StageShape;
  /** Bytes of a shard, already checked against its hash; a shard may be asked for twice. */
  readonly shards: (name: string) => Promise<Uint8Array>;
  readonly provider: Provider;
  readonly turn: Turn;
  readonly signal: AbortSignal;
}

/** Part of the head: `rows` of its matrix from `first` on. */
interface HeadSlice {
  readonly first: number;
  readonly session: EngineSession;
}

const JOB = 'the only one';

export class PiecewiseEngine {
  readonly shape: StageShape;
  readonly #architecture: Architecture;
  readonly #turn: Turn;
  readonly #sessions: EngineSession[] = [];
  readonly #layers: StageRunner[] = [];
  readonly #head: HeadSlice[] = [];

  private constructor({ manifest, shape, turn }: PiecewiseOptions) {
    this.shape = shape;
    this.#architecture = manifest.architecture;
    this.#turn = turn;
  }

  /** Bytes that a loaded stage holds, and while `positions` are run: for admission before anything is fetched. */
  static bytesFor(manifest: ModelManifest, shape: StageShape, positions: number): number {
    const { architecture } = manifest;
    const layers = shape.to - shape.from;
    const embedding = shape.embeds ? (manifest.shards.find(({ name }) => name === 'embedding')?.bytes ?? 0) : 0;
    const head = shape.heads ? 4 * architecture.hidden * (architecture.vocabulary + 1) : 0;
    return layers * weightBytes(buildLayersGraph(architecture, { from: 0, to: 1, embeds: false, heads: false })) + embedding + head + KvCache.bytesFor(architecture, layers, positions);
  }

  /** Loads a stage piece by piece. Throws EngineError `aborted`, `missing-tensor` or `session-failed`, and holds nothing then. */
  static async load(options: PiecewiseOptions): Promise<PiecewiseEngine> {
    const engine = new PiecewiseEngine(options);
    try {
      await engine.#load(options);
      return engine;
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  /** Bytes of weights, embedding rows and KV caches held now. */
  get heldBytes(): number {
    return this.#sessions.reduce((sum, session) => sum + session.weightBytes, 0) + this.#layers.reduce((sum, layer) => sum + layer.heldBytes, 0);
  }

  /** Begins at position 0 with room for `maxPositions`. Throws EngineError `past-capacity`. */
  open(maxPositions: number): void {
    for (const layer of this.#layers) layer.openJob(JOB, maxPositions);
  }

  close(): void {
    for (const layer of this.#layers) layer.closeJob(JOB);
  }

  /** Rows of the next `count` positions, each layer in a turn of its own. `input`: ids for a stage that embeds, else rows. */
  async run(position: number, input: Uint32Array | Float32Array, count: number): Promise<Float32Array> {
    let rows = input;
    for (const layer of this.#layers) rows = await this.#turn(async () => (await layer.run(JOB, position, rows, count)).rows);
    if (rows instanceof Float32Array) return rows;
    throw new EngineError('bad-input', 'A stage without layers has no rows.', { fault: 'bug' });
  }

  /** Logits of one final-norm row, each slice of the head in a turn of its own; the last stage only. */
  async logits(row: Float32Array): Promise<Float32Array> {
    const all = new Float32Array(this.#architecture.vocabulary);
    for (const { first, session } of this.#head) {
      all.set(await this.#turn(async () => outputOf(await session.run({ rows: { data: row, dims: [1, row.length] } }), 'logits')), first);
    }
    return all;
  }

  /** Frees everything; nothing may run any more. */
  async dispose(): Promise<void> {
    for (const session of this.#sessions.splice(0)) await session.release();
    this.#layers.splice(0);
    this.#head.splice(0);
  }

  async #load({ manifest, shape, provider, shards, signal }: PiecewiseOptions): Promise<void> {
    const { architecture } = manifest;
    const fetched = async (part: StageShape): Promise<Map<string, Uint8Array>> => {
      const bytes = new Map<string, Uint8Array>();
      for (const { name } of shardsOfStage(manifest, part)) {
        throwIfAborted(signal);
        bytes.set(name, await shards(name));
      }
      return bytes;
    };
    const session = async (graph: Graph, weights: StageWeights): Promise<EngineSession> => {
      throwIfAborted(signal);
      const made = await this.#turn(() => createSession(provider, graph, (name) => weights.expand(name)));
      this.#sessions.push(made);
      return made;
    };
    for (let layer = shape.from; layer < shape.to; layer++) {
      const heads = shape.heads && layer === shape.to - 1;
      const part: StageShape = { from: layer, to: layer + 1, embeds: shape.embeds && layer === shape.from, heads };
      const bytes = await fetched(part);
      const weights = new StageWeights(manifest, part, bytes);
      const embedding = part.embeds ? bytes.get('embedding') : undefined;
      const layers = await session(buildLayersGraph(architecture, part), weights);
      this.#layers.push(new StageRunner(architecture, part, { layers, ...(embedding && { embedding: new EmbeddingTable(manifest, embedding) }) }));
      if (!heads) continue;
      for (const { first, rows } of headSlices(architecture.vocabulary)) this.#head.push({ first, session: await session(headSliceGraph(architecture, first, rows), weights) });
    }
    throwIfAborted(signal);
  }
}

/** `rows` rows of the head's matrix: final-norm rows [M, d] → logits [M, rows]. */
function headSliceGraph({ hidden }: Architecture, first: number, rows: number): Graph {
  const model = new OnnxModel(`head from ${first}`);
  addProduct(model, model.input('rows', ['M', hidden]), headSliceName(first), [rows, hidden], model.output('logits', ['M', rows]));
  return { bytes: model.bytes(), inputs: model.inputs, outputs: model.outputs, weights: model.weights };
}

const weightBytes = (graph: Graph): number => graph.weights.reduce((sum, { dims }) => sum + 4 * dims.reduce((product, dim) => product * dim, 1), 0);

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineError('aborted', 'Loading the stage was stopped.', { fault: 'abort', cause: signal.reason });
}
