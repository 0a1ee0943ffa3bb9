/** A stage ready to compute in this worker: shards → weights → sessions → runs, with its memory accounted. */
import { EmbeddingTable } from '@ciro/core/model/embedding-table.ts';
import { EngineError } from '@ciro/core/model/engine-error.ts';
import { buildHeadGraph, buildLayersGraph } from '@ciro/core/model/graph/stage-graph.ts';
import { StageWeights } from '@ciro/core/model/layer-weights.ts';
import { shardsOfStage } from '@ciro/core/model/manifest.ts';
import { StageRunner } from '@ciro/core/model/stage-runner.ts';
import { createSession } from './ort.ts';
import type { StageShape } from '@ciro/core/model/architecture.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { BatchRow, RunOptions, StageOutput } from '@ciro/core/model/stage-runner.ts';
import type { EngineSession, Provider } from './ort.ts';

export interface StageEngineOptions {
  readonly manifest: ModelManifest;
  readonly shape: StageShape;
  /**
   * Bytes of a shard, already checked against its hash. The engine takes them over: a buffer is detached as soon as all its
   * weights are expanded, so that quantised and expanded bytes are not held together.
   */
  readonly shards: (name: string) => Promise<Uint8Array>;
  readonly provider: Provider;
  readonly signal: AbortSignal;
}

/** A stage's output with the milliseconds it took, embedding lookup and head included. */
export interface StageResult extends StageOutput {
  readonly computeMs: number;
}

export class StageEngine {
  readonly shape: StageShape;
  readonly provider: Provider;
  readonly #runner: StageRunner;
  readonly #sessions: readonly EngineSession[];
  #peakBytes = 0;
  #disposed = false;

  private constructor(options: StageEngineOptions, runner: StageRunner, sessions: readonly EngineSession[]) {
    this.shape = options.shape;
    this.provider = options.provider;
    this.#runner = runner;
    this.#sessions = sessions;
    this.#account();
  }

  /** Fetches the stage's shards and loads its graphs. Throws EngineError `aborted`, `missing-tensor` or `session-failed`. */
  static async load(options: StageEngineOptions): Promise<StageEngine> {
    const { manifest, shape, provider, signal } = options;
    const bytes = new Map<string, Uint8Array>();
    for (const shard of shardsOfStage(manifest, shape)) {
      throwIfAborted(signal);
      bytes.set(shard.name, await options.shards(shard.name));
    }
    throwIfAborted(signal);
    const weights = new StageWeights(manifest, shape, bytes);
    const embedded = shape.embeds ? bytes.get('embedding') : undefined;
    const layersGraph = buildLayersGraph(manifest.architecture, shape);
    const headGraph = shape.heads ? buildHeadGraph(manifest.architecture) : undefined;
    const uses = new Map<string, number>(embedded ? [['embedding', 1]] : []);
    for (const { name } of [...layersGraph.weights, ...(headGraph?.weights ?? [])]) {
      uses.set(weights.shardOf(name), (uses.get(weights.shardOf(name)) ?? 0) + 1);
    }
    const expand = (name: string): Float32Array => {
      const values = weights.expand(name);
      const shard = weights.shardOf(name);
      const left = (uses.get(shard) ?? 0) - 1;
      uses.set(shard, left);
      if (left === 0) detach(bytes.get(shard));
      return values;
    };
    const sessions: EngineSession[] = [];
    try {
      const layers = await createSession(provider, layersGraph, expand);
      sessions.push(layers);
      throwIfAborted(signal);
      const head = headGraph && (await createSession(provider, headGraph, expand));
      if (head) sessions.push(head);
      throwIfAborted(signal);
      const runner = new StageRunner(manifest.architecture, shape, {
        layers,
        ...(head && { head }),
        ...(embedded && { embedding: new EmbeddingTable(manifest, embedded) }),
      });
      return new StageEngine(options, runner, sessions);
    } catch (error) {
      for (const session of sessions) await session.release();
      throw error;
    }
  }

  /** Allocates a job's KV cache. Throws EngineError `duplicate-job` or `past-capacity`. */
  openJob(jobKey: string, maxPositions: number): void {
    this.#check();
    this.#runner.openJob(jobKey, maxPositions);
    this.#account();
  }

  closeJob(jobKey: string): void {
    this.#runner.closeJob(jobKey);
  }

  /** Gives a job's cache to another job, or makes it smaller; see StageRunner.handOver for errors. */
  handOver(fromKey: string, toKey: string, length: number, maxPositions: number): void {
    this.#check();
    this.#runner.handOver(fromKey, toKey, length, maxPositions);
    this.#account();
  }

  /** Bytes of the job's cache now. Throws EngineError `unknown-job`. */
  cacheBytes(jobKey: string): number {
    return this.#runner.cacheBytes(jobKey);
  }

  /** Positions held for the job. Throws EngineError `unknown-job`. */
  length(jobKey: string): number {
    return this.#runner.length(jobKey);
  }

  /** Cuts the job's cache to `length` positions: rejected drafts, or a replay. */
  truncate(jobKey: string, length: number): void {
    this.#runner.truncate(jobKey, length);
  }

  /** Computes `count` positions; see StageRunner.run for inputs and errors. */
  async run(
    jobKey: string,
    position: number,
    input: Uint32Array | Float32Array,
    count: number,
    options: RunOptions = {},
  ): Promise<StageResult> {
    this.#check();
    const started = performance.now();
    const output = await this.#runner.run(jobKey, position, input, count, options);
    this.#account();
    return { ...output, computeMs: performance.now() - started };
  }

  /** Computes the next position of several jobs in one run; see StageRunner.runBatch. Each gets an equal share of the time. */
  async runBatch(batch: readonly BatchRow[]): Promise<StageResult[]> {
    this.#check();
    const started = performance.now();
    const outputs = await this.#runner.runBatch(batch);
    this.#account();
    const computeMs = (performance.now() - started) / batch.length;
    return outputs.map((output) => ({ ...output, computeMs }));
  }

  /** See StageRunner.batchBytes and releaseBatch. */
  batchBytes(jobKeys: readonly string[]): number | undefined {
    return this.#runner.batchBytes(jobKeys);
  }

  releaseBatch(): void {
    this.#runner.releaseBatch();
  }

  /** Bytes of weights, embedding rows and KV caches held now. The library's code and scratch come on top. */
  get heldBytes(): number {
    return this.#sessions.reduce((sum, session) => sum + session.weightBytes, 0) + this.#runner.heldBytes;
  }

  /** `heldBytes` once the caches of open jobs are as large as they may become. */
  get promisedBytes(): number {
    return this.heldBytes + this.#runner.growthBytes;
  }

  /** Most that `heldBytes` has been. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Frees the sessions; every later call throws EngineError `disposed`. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const session of this.#sessions) await session.release();
  }

  #account(): void {
    this.#peakBytes = Math.max(this.#peakBytes, this.heldBytes);
  }

  #check(): void {
    if (this.#disposed) throw new EngineError('disposed', 'This stage was disposed; load it again.', { fault: 'bug' });
  }
}

/** Frees a whole buffer at once; a view into a larger one is left to its owner. */
function detach(bytes: Uint8Array | undefined): void {
  if (bytes?.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength) bytes.buffer.transfer(0);
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineError('aborted', 'Loading the stage was stopped.', { fault: 'abort', cause: signal.reason });
}
