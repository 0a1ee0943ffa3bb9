/**
 * Runs a stage: embedding lookup, RoPE rows, masks, KV caches and the two sessions, whoever provides the sessions. The tab
 * gives it onnxruntime-web sessions in its worker, the coordinator the same library in Node; the arithmetic is one.
 */
import { attentionMask } from '../numeric/attention-mask.ts';
import { RopeCache } from '../numeric/rope-tables.ts';
import { EngineError } from './engine-error.ts';
import { HostCache, outputOf } from './job-cache.ts';
import type { Architecture, StageShape } from './architecture.ts';
import type { EmbeddingTable } from './embedding-table.ts';
import type { FeedTensor, Feeds, JobCache, SessionPort } from './job-cache.ts';

/** Most tokens of one run: bounds activations and mask; longer prompts come in chunks (the reference run's are 16). */
export const MAX_RUN_TOKENS = 64;

/** What a stage computes with. `embedding` for the first stage, `head` for the last. */
export interface StageSessions {
  readonly layers: SessionPort;
  readonly head?: SessionPort;
  readonly embedding?: EmbeddingTable;
}

/** Rows [count, d]: residual rows, or final-norm rows for the last stage. `logits` [vocabulary] of the last position, if asked. */
export interface StageOutput {
  readonly rows: Float32Array;
  readonly logits?: Float32Array;
}

export class StageRunner {
  readonly #architecture: Architecture;
  readonly #shape: StageShape;
  readonly #sessions: StageSessions;
  readonly #rope: RopeCache;
  readonly #jobs = new Map<string, JobCache>();
  readonly #running = new Set<JobCache>();

  constructor(architecture: Architecture, shape: StageShape, sessions: StageSessions) {
    this.#architecture = architecture;
    this.#shape = shape;
    this.#sessions = sessions;
    this.#rope = new RopeCache(architecture);
  }

  /** Allocates the job's KV cache. Throws EngineError `duplicate-job`, or `past-capacity` beyond the model's context. */
  openJob(jobKey: string, maxPositions: number): void {
    if (this.#jobs.has(jobKey)) {
      throw new EngineError('duplicate-job', `Job ${jobKey} is already open on this stage; close it first.`, { fault: 'bug', fields: { jobKey } });
    }
    if (!Number.isInteger(maxPositions) || maxPositions < 1 || maxPositions > this.#architecture.context) {
      throw new EngineError('past-capacity', `A job of ${maxPositions} positions does not fit the model's context of ${this.#architecture.context}.`, {
        fault: 'user',
        fields: { jobKey, maxPositions, context: this.#architecture.context },
      });
    }
    const { layers } = this.#sessions;
    const cache = layers.openCache?.(this.#architecture, this.#shape, maxPositions);
    this.#jobs.set(jobKey, cache ?? new HostCache(layers, this.#architecture, this.#shape, maxPositions));
  }

  /** Frees the job's cache; nothing happens if the job is not open. */
  closeJob(jobKey: string): void {
    this.#jobs.get(jobKey)?.dispose();
    this.#jobs.delete(jobKey);
  }

  /** Positions held for the job. Throws EngineError `unknown-job`. */
  length(jobKey: string): number {
    return this.#job(jobKey).length;
  }

  /** Cuts the job's cache to `length` positions. Throws EngineError `unknown-job` or `stale-cache`. */
  truncate(jobKey: string, length: number): void {
    this.#job(jobKey).truncate(length);
  }

  /** Bytes of all open jobs' caches and of the embedding rows. */
  get heldBytes(): number {
    let bytes = this.#sessions.embedding?.heldBytes ?? 0;
    for (const cache of this.#jobs.values()) bytes += cache.heldBytes;
    return bytes;
  }

  /**
   * Computes `count` positions from `position` on and adds them to the job's cache.
   *
   * @param input token ids for a stage that embeds, else rows [count, d]
   * @param options.logits also give the last position's logits (last stage only)
   * @throws EngineError `stale-cache` when `position` is not the cache's length or an earlier run has not ended; `bad-input`, `unknown-job`, `past-capacity`
   */
  async run(
    jobKey: string,
    position: number,
    input: Uint32Array | Float32Array,
    count: number,
    options: { readonly logits?: boolean } = {},
  ): Promise<StageOutput> {
    const cache = this.#job(jobKey);
    if (position !== cache.length || this.#running.has(cache)) {
      throw new EngineError('stale-cache', `Job ${jobKey} holds ${cache.length} positions, or is running, and was sent position ${position}; wait, replay or truncate.`, {
        fault: 'peer',
        fields: { jobKey, position, held: cache.length },
      });
    }
    const hidden = this.#hiddenRows(input, count);
    cache.reserve(count);
    this.#running.add(cache);
    const feeds = prepareFeeds(this.#architecture, this.#rope, cache, hidden, count);
    const outputs = await cache.run(feeds, count).finally(() => this.#running.delete(cache));
    const rows = outputOf(outputs, 'rows').slice();
    if (options.logits !== true) return { rows };
    return { rows, logits: await this.#logits(rows, count) };
  }

  async #logits(rows: Float32Array, count: number): Promise<Float32Array> {
    const { hidden } = this.#architecture;
    const head = this.#sessions.head;
    if (!head) throw new EngineError('bad-input', 'Only the last stage has logits.', { fault: 'bug' });
    const last = rows.subarray((count - 1) * hidden, count * hidden);
    return outputOf(await head.run({ rows: { data: last, dims: [1, hidden] } }), 'logits').slice();
  }

  #hiddenRows(input: Uint32Array | Float32Array, count: number): Float32Array {
    const width = this.#shape.embeds ? 1 : this.#architecture.hidden;
    const isIds = input instanceof Uint32Array;
    if (!(count >= 1 && count <= MAX_RUN_TOKENS) || input.length !== count * width || isIds !== this.#shape.embeds) {
      throw new EngineError(
        'bad-input',
        `A run takes 1 to ${MAX_RUN_TOKENS} ${this.#shape.embeds ? 'token ids' : `rows of ${width}`}; got ${count} with ${input.length} ${isIds ? 'ids' : 'numbers'}.`,
        { fault: 'peer', fields: { count, length: input.length, embeds: this.#shape.embeds } },
      );
    }
    if (!(input instanceof Uint32Array)) return input;
    const embedding = this.#sessions.embedding;
    if (!embedding) throw new EngineError('missing-tensor', 'This stage embeds but was given no embedding.', { fault: 'bug' });
    return embedding.rows(input);
  }

  #job(jobKey: string): JobCache {
    const cache = this.#jobs.get(jobKey);
    if (!cache) throw new EngineError('unknown-job', `Job ${jobKey} is not open on this stage.`, { fault: 'peer', fields: { jobKey } });
    return cache;
  }
}

/** The layers graph's inputs for `count` new positions of one job, caches apart; names and dims as in `buildLayersGraph`. */
function prepareFeeds(architecture: Architecture, rope: RopeCache, cache: JobCache, hidden: Float32Array, count: number): Feeds {
  const { headDim, heads, kvHeads } = architecture;
  const { capacity, length } = cache;
  const group = heads / kvHeads;
  const tables = rope.rows(Array.from({ length: count }, (_, i) => length + i));
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < headDim / 2; i++) tables.sin[row * headDim + i] = -(tables.sin[row * headDim + i] ?? 0);
  }
  return {
    hidden: { data: hidden, dims: [count, architecture.hidden] },
    cos: { data: tables.cos, dims: [1, count, 1, headDim] },
    sin: { data: tables.sin, dims: [1, count, 1, headDim] },
    mask: { data: attentionMask([{ cached: length, count }], group, count, capacity), dims: [1, 1, group * count, capacity + count] },
    head_shape: integers([1, count, heads + 2 * kvHeads, headDim]),
    key_sizes: integers([capacity, count]),
  };
}

function integers(values: readonly number[]): FeedTensor {
  return { data: BigInt64Array.from(values, BigInt), dims: [values.length] };
}
