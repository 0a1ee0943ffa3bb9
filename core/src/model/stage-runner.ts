/**
 * Runs a stage: embedding lookup, RoPE rows, masks, KV caches and the two sessions, whoever provides the sessions. The tab
 * gives it onnxruntime-web sessions in its worker, the coordinator the same library in Node; the arithmetic is one.
 */
import { attentionMask } from '../numeric/attention-mask.ts';
import { RopeCache } from '../numeric/rope-tables.ts';
import { BatchRun, capacityOf } from './batch-run.ts';
import { EngineError } from './engine-error.ts';
import { HostCache, outputOf } from './job-cache.ts';
import type { Architecture, StageShape } from './architecture.ts';
import type { EmbeddingTable } from './embedding-table.ts';
import type { MaskRow } from '../numeric/attention-mask.ts';
import type { FeedTensor, Feeds, JobCache, SessionPort } from './job-cache.ts';
import type { KvCache } from './kv-cache.ts';

/** Most tokens of one run: bounds activations and mask; longer prompts come in chunks (the reference run's are 16). */
export const MAX_RUN_TOKENS = 64;

/**
 * Most bytes that the caches of a batch may take side by side. They are copied for each run: past about this much that takes
 * longer than the weights that are read once instead of several times (decision 0010).
 */
export const MAX_BATCH_CACHE_BYTES = 64 * 1024 * 1024;

/** What a stage computes with. `embedding` for the first stage, `head` for the last. */
export interface StageSessions {
  readonly layers: SessionPort;
  readonly head?: SessionPort;
  readonly embedding?: EmbeddingTable;
}

/** What a run is to give beside its rows, on the last stage: logits of its last position (true) or of all. */
export interface RunOptions {
  readonly logits?: boolean | 'all';
}

/** Rows [count, d]: residual rows, or final-norm rows for the last stage. `logits`, if asked: [vocabulary] of the last position, or [count, vocabulary]. */
export interface StageOutput {
  readonly rows: Float32Array;
  readonly logits?: Float32Array;
}

/** The next position of one job of a batch: one token id for a stage that embeds, else one row [d]. */
export interface BatchRow {
  readonly jobKey: string;
  readonly position: number;
  readonly input: Uint32Array | Float32Array;
  /** Also give the position's logits (last stage only). */
  readonly logits?: boolean;
}

export class StageRunner {
  readonly #architecture: Architecture;
  readonly #shape: StageShape;
  readonly #sessions: StageSessions;
  readonly #rope: RopeCache;
  readonly #jobs = new Map<string, JobCache>();
  readonly #running = new Set<JobCache>();
  readonly #batch: BatchRun;

  constructor(architecture: Architecture, shape: StageShape, sessions: StageSessions) {
    this.#architecture = architecture;
    this.#shape = shape;
    this.#sessions = sessions;
    this.#rope = new RopeCache(architecture);
    this.#batch = new BatchRun(sessions.layers, architecture, shape);
  }

  /** Allocates the job's KV cache. Throws EngineError `duplicate-job`, or `past-capacity` beyond the model's context. */
  openJob(jobKey: string, maxPositions: number): void {
    this.#refuseOpen(jobKey, maxPositions);
    const { layers } = this.#sessions;
    const cache = layers.openCache?.(this.#architecture, this.#shape, maxPositions);
    this.#jobs.set(jobKey, cache ?? new HostCache(layers, this.#architecture, this.#shape, maxPositions));
  }

  #refuseOpen(jobKey: string, maxPositions: number): void {
    if (this.#jobs.has(jobKey)) {
      throw new EngineError('duplicate-job', `Job ${jobKey} is already open on this stage; close it first.`, { fault: 'bug', fields: { jobKey } });
    }
    if (!Number.isInteger(maxPositions) || maxPositions < 1 || maxPositions > this.#architecture.context) {
      throw new EngineError('past-capacity', `A job of ${maxPositions} positions does not fit the model's context of ${this.#architecture.context}.`, {
        fault: 'user',
        fields: { jobKey, maxPositions, context: this.#architecture.context },
      });
    }
  }

  /** Frees the job's cache; nothing happens if the job is not open. */
  closeJob(jobKey: string): void {
    this.#jobs.get(jobKey)?.dispose();
    this.#jobs.delete(jobKey);
    if (this.#jobs.size < 2) this.#batch.release();
  }

  /**
   * Gives the first `length` positions of one job's cache to another job, which has room for `maxPositions`; the first one is closed then. The
   * same key makes the cache of a job smaller. Throws EngineError `unknown-job`, `duplicate-job`, `past-capacity`, or `stale-cache` when it holds fewer or runs.
   */
  handOver(fromKey: string, toKey: string, length: number, maxPositions: number): void {
    const cache = this.#job(fromKey);
    if (toKey !== fromKey) this.#refuseOpen(toKey, maxPositions);
    if (this.#running.has(cache)) throw new EngineError('stale-cache', `Job ${fromKey} is running; its cache can be handed over when it is not.`, { fault: 'bug', fields: { jobKey: fromKey } });
    const copy = cache.copy(length, maxPositions);
    this.closeJob(fromKey);
    this.#jobs.set(toKey, copy);
  }

  /** Positions held for the job. Throws EngineError `unknown-job`. */
  length(jobKey: string): number {
    return this.#job(jobKey).length;
  }

  /** Cuts the job's cache to `length` positions. Throws EngineError `unknown-job` or `stale-cache`. */
  truncate(jobKey: string, length: number): void {
    this.#job(jobKey).truncate(length);
  }

  /** Bytes of the job's cache now. Throws EngineError `unknown-job`. */
  cacheBytes(jobKey: string): number {
    return this.#job(jobKey).heldBytes;
  }

  /** Bytes of all open jobs' caches, of what batches copy them to, and of the embedding rows. */
  get heldBytes(): number {
    let bytes = (this.#sessions.embedding?.heldBytes ?? 0) + this.#batch.heldBytes;
    for (const cache of this.#jobs.values()) bytes += cache.heldBytes;
    return bytes;
  }

  /** Bytes that the caches of open jobs may still grow by. */
  get growthBytes(): number {
    let bytes = 0;
    for (const cache of this.#jobs.values()) bytes += cache.mostBytes - cache.heldBytes;
    return bytes;
  }

  /**
   * Computes `count` positions from `position` on and adds them to the job's cache.
   *
   * @param input token ids for a stage that embeds, else rows [count, d]
   * @throws EngineError `stale-cache` when `position` is not the cache's length or an earlier run has not ended; `bad-input`, `unknown-job`, `past-capacity`
   */
  async run(
    jobKey: string,
    position: number,
    input: Uint32Array | Float32Array,
    count: number,
    options: RunOptions = {},
  ): Promise<StageOutput> {
    const cache = this.#cacheAt(jobKey, position);
    const hidden = this.#hiddenRows(input, count);
    cache.reserve(count);
    this.#running.add(cache);
    const feeds = prepareFeeds(this.#architecture, this.#rope, [{ cached: cache.length, count }], cache.capacity, hidden);
    const outputs = await cache.run(feeds, count).finally(() => this.#running.delete(cache));
    const rows = outputOf(outputs, 'rows').slice();
    if (options.logits === undefined || options.logits === false) return { rows };
    const wanted = options.logits === 'all' ? count : 1;
    return { rows, logits: await this.#logits(rows.subarray((count - wanted) * this.#architecture.hidden), wanted) };
  }

  /**
   * Bytes beyond `heldBytes` that a batch of these jobs would hold; undefined when they are better run alone: their caches
   * take more than MAX_BATCH_CACHE_BYTES, or lie in a provider's memory. Throws EngineError `unknown-job`.
   */
  batchBytes(jobKeys: readonly string[]): number | undefined {
    const caches = this.#hostCaches(jobKeys);
    const bytes = caches && this.#batch.bytesFor(caches);
    return bytes === undefined || bytes > MAX_BATCH_CACHE_BYTES ? undefined : Math.max(0, bytes - this.#batch.heldBytes);
  }

  /** Gives back what batches copy caches to; the next batch takes it anew. */
  releaseBatch(): void {
    this.#batch.release();
  }

  /**
   * Computes the next position of several jobs in one run and adds it to their caches. Products with weights are over all
   * rows at once, attention is each job's own; so a row differs from that of a run alone by float32 rounding. When a run fails, no
   * cache has changed and each job can be run alone.
   *
   * @returns one output a row, in the order given
   * @throws EngineError as `run`; `bad-input` for a job that is named twice, or whose provider keeps its cache elsewhere
   */
  async runBatch(batch: readonly BatchRow[]): Promise<StageOutput[]> {
    const keys = batch.map(({ jobKey }) => jobKey);
    const caches = batch.map(({ jobKey, position }) => this.#cacheAt(jobKey, position));
    const rowCaches = this.#hostCaches(keys);
    if (rowCaches === undefined || new Set(keys).size < keys.length) throw new EngineError('bad-input', `Jobs ${keys.join(', ')} cannot be run together; run each alone.`, { fault: 'bug', fields: { keys } });
    const { hidden: width } = this.#architecture;
    const hidden = new Float32Array(batch.length * width);
    batch.forEach(({ input }, index) => hidden.set(this.#hiddenRows(input, 1), index * width));
    for (const cache of caches) cache.reserve(1);
    const lengths = rowCaches.map(({ length }) => length);
    for (const cache of caches) this.#running.add(cache);
    try {
      const feeds = prepareFeeds(this.#architecture, this.#rope, lengths.map((cached) => ({ cached, count: 1 })), capacityOf(rowCaches), hidden);
      const rows = outputOf(await this.#batch.run(feeds, rowCaches), 'rows').slice();
      const logits = await this.#batchLogits(batch, rows);
      return batch.map((_, index) => ({ rows: rows.slice(index * width, (index + 1) * width), ...(logits[index] && { logits: logits[index] }) }));
    } catch (error) {
      rowCaches.forEach((cache, index) => cache.truncate(Math.min(cache.length, lengths[index] ?? 0)));
      throw error;
    } finally {
      for (const cache of caches) this.#running.delete(cache);
    }
  }

  /** Logits of the rows that want them, by index; one product for all. */
  async #batchLogits(batch: readonly BatchRow[], rows: Float32Array): Promise<(Float32Array | undefined)[]> {
    const { hidden, vocabulary } = this.#architecture;
    const wanted = batch.flatMap(({ logits }, index) => (logits === true ? [index] : []));
    if (wanted.length === 0) return [];
    const picked = new Float32Array(wanted.length * hidden);
    wanted.forEach((row, index) => picked.set(rows.subarray(row * hidden, (row + 1) * hidden), index * hidden));
    const all = await this.#logits(picked, wanted.length);
    return batch.map((_, row) => (wanted.includes(row) ? all.slice(wanted.indexOf(row) * vocabulary, (wanted.indexOf(row) + 1) * vocabulary) : undefined));
  }

  /** Logits [count, vocabulary] of final-norm rows [count, d]. */
  async #logits(rows: Float32Array, count: number): Promise<Float32Array> {
    const head = this.#sessions.head;
    if (!head) throw new EngineError('bad-input', 'Only the last stage has logits.', { fault: 'bug' });
    return outputOf(await head.run({ rows: { data: rows, dims: [count, this.#architecture.hidden] } }), 'logits').slice();
  }

  /** The caches of these jobs in this program's memory; undefined when a provider keeps one elsewhere. */
  #hostCaches(jobKeys: readonly string[]): KvCache[] | undefined {
    const caches = jobKeys.map((key) => this.#job(key));
    const host = caches.filter((cache) => cache instanceof HostCache);
    return host.length === caches.length ? host.map(({ rows }) => rows) : undefined;
  }

  #cacheAt(jobKey: string, position: number): JobCache {
    const cache = this.#job(jobKey);
    if (position === cache.length && !this.#running.has(cache)) return cache;
    throw new EngineError('stale-cache', `Job ${jobKey} holds ${cache.length} positions, or is running, and was sent position ${position}; wait, replay or truncate.`, {
      fault: 'peer',
      fields: { jobKey, position, held: cache.length },
    });
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

/** The layers graph's inputs for the next positions of one job or several, as many of each, caches apart; names and dims as in `buildLayersGraph`. */
function prepareFeeds(architecture: Architecture, rope: RopeCache, jobs: readonly MaskRow[], capacity: number, hidden: Float32Array): Feeds {
  const { headDim, heads, kvHeads } = architecture;
  const group = heads / kvHeads;
  const batch = jobs.length;
  const count = jobs[0]?.count ?? 0;
  const tables = rope.rows(jobs.flatMap(({ cached }) => Array.from({ length: count }, (_, i) => cached + i)));
  for (let row = 0; row < batch * count; row++) {
    for (let i = 0; i < headDim / 2; i++) tables.sin[row * headDim + i] = -(tables.sin[row * headDim + i] ?? 0);
  }
  return {
    hidden: { data: hidden, dims: [batch * count, architecture.hidden] },
    cos: { data: tables.cos, dims: [batch, count, 1, headDim] },
    sin: { data: tables.sin, dims: [batch, count, 1, headDim] },
    mask: { data: attentionMask(jobs, group, count, capacity), dims: [batch, 1, group * count, capacity + count] },
    head_shape: integers([batch, count, heads + 2 * kvHeads, headDim]),
    key_sizes: integers([capacity, count]),
  };
}

function integers(values: readonly number[]): FeedTensor {
  return { data: BigInt64Array.from(values, BigInt), dims: [values.length] };
}
