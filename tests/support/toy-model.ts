import { sha256 } from '@noble/hashes/sha2.js';
import { toBase64, toHex } from '@ciro/core/bytes.ts';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { Architecture, StageShape } from '@ciro/core/model/architecture.ts';
import type { CalibrationTable, ModelManifest } from '@ciro/core/model/manifest.ts';
import type { BatchRow, RunOptions } from '@ciro/core/model/stage-runner.ts';
import type { HeldStage, StageEnginePort, StageRun } from '@ciro/web/pipeline/stage-ports.ts';

/** Sizes of a made-up model that is computed in a few lines, row by row: cutting it anywhere gives the same numbers. */
export const TOY: Architecture = {
  family: 'llama', layers: 6, hidden: 8, heads: 2, kvHeads: 1, headDim: 4, feedForward: 16, vocabulary: 61, context: 2_048, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true,
};
export const TOY_MODEL_ID = 'ab'.repeat(32) as HexHash;

const CALIBRATION: CalibrationTable = {
  version: 1,
  hidden: TOY.hidden,
  exponents: new Int8Array((TOY.layers + 2) * TOY.hidden),
  exponentsAtZero: new Int8Array((TOY.layers + 2) * TOY.hidden),
  tauExponent: -12,
  tauExponentAtZero: -12,
  deltaExponent: -8,
};

/** Some number in [-1, 1) that depends on two counters: stands for a weight. */
const weight = (row: number, column: number): number => ((row * 7919 + column * 104_729 + row * column * 31) % 2003) / 1001.5 - 1;

/** A stage of the toy model. Keeps a running state a layer and job, so the order of positions matters as in attention. */
export class ToyEngine implements StageEnginePort {
  readonly provider = 'wasm';
  heldBytes = 1_000;
  peakBytes = 2_000;
  /** What a batch holds beside the caches: given back on demand. Undefined: jobs are run alone. */
  scratchBytes: number | undefined = 0;
  released = 0;
  /** Jobs of each run for several, in order. */
  readonly batches: (readonly string[])[] = [];
  /** False: runs take no time, so drafts cost nothing, whatever the machine does. */
  timed = true;
  /** Runs so far, and the most that were under way at once. */
  runs = 0;
  overlapping = 0;
  /** Set by a test: called before each run, may throw or wait. */
  beforeRun: (jobKey: string, position: number) => Promise<void> | void = () => undefined;
  /** Set by a test: called before a run for several jobs, may throw or wait. */
  beforeBatch: (jobKeys: readonly string[]) => Promise<void> | void = () => undefined;
  /** By job: the running state after each position, so that positions can be forgotten. */
  readonly jobs = new Map<string, { length: number; readonly states: Float32Array[][] }>();
  /** Positions that were forgotten, by job and length. */
  readonly cuts: (readonly [string, number])[] = [];
  readonly #shape: StageShape;
  #running = 0;

  constructor(shape: StageShape) {
    this.#shape = shape;
  }

  get promisedBytes(): number {
    return this.heldBytes;
  }

  openJob(jobKey: string, _maxPositions: number): void {
    this.jobs.set(jobKey, { length: 0, states: [Array.from({ length: TOY.layers }, () => new Float32Array(TOY.hidden))] });
  }

  truncate(jobKey: string, length: number): void {
    const job = this.jobs.get(jobKey);
    if (job === undefined || length > job.length) throw new Error(`toy engine cannot cut ${job?.length ?? 'nothing'} positions of ${jobKey} to ${length}`);
    this.cuts.push([jobKey, length]);
    job.length = length;
    job.states.length = length + 1;
  }

  handOver(fromKey: string, toKey: string, length: number, _maxPositions: number): void {
    const job = this.jobs.get(fromKey);
    if (job === undefined || length > job.length || (toKey !== fromKey && this.jobs.has(toKey))) throw new Error(`toy engine cannot give ${length} of ${job?.length ?? 'no'} positions of ${fromKey} to ${toKey}`);
    this.jobs.delete(fromKey);
    this.jobs.set(toKey, { length, states: job.states.slice(0, length + 1) });
  }

  cacheBytes(_jobKey: string): number {
    return 0;
  }

  closeJob(jobKey: string): void {
    this.jobs.delete(jobKey);
  }

  batchBytes(_jobKeys: readonly string[]): number | undefined {
    return this.scratchBytes;
  }

  releaseBatch(): void {
    this.released++;
  }

  runBatch(batch: readonly BatchRow[]): Promise<StageRun[]> {
    const keys = batch.map(({ jobKey }) => jobKey);
    this.batches.push(keys);
    return this.#counted(async () => {
      await this.beforeBatch(keys);
      const started = performance.now();
      for (const { jobKey, position } of batch) {
        const held = this.jobs.get(jobKey)?.length;
        if (held !== position) throw new Error(`toy engine holds ${held ?? 'nothing'} of ${jobKey}, not ${position}`);
      }
      const runs = batch.map(({ jobKey, position, input, logits }) => this.#compute(jobKey, position, input, 1, logits === true));
      const computeMs = (performance.now() - started) / batch.length;
      return runs.map((run) => ({ ...run, computeMs }));
    });
  }

  run(jobKey: string, position: number, input: Uint32Array | Float32Array, count: number, options: RunOptions): Promise<StageRun> {
    return this.#counted(async () => {
      const started = performance.now();
      await this.beforeRun(jobKey, position);
      return { ...this.#compute(jobKey, position, input, count, options.logits ?? false), computeMs: this.timed ? performance.now() - started : 0 };
    });
  }

  async #counted<Result>(task: () => Promise<Result>): Promise<Result> {
    this.runs++;
    this.overlapping = Math.max(this.overlapping, ++this.#running);
    try {
      return await task();
    } finally {
      this.#running--;
    }
  }

  #compute(jobKey: string, position: number, input: Uint32Array | Float32Array, count: number, logits: boolean | 'all'): Omit<StageRun, 'computeMs'> {
    const job = this.jobs.get(jobKey);
    if (job === undefined) throw new Error(`toy engine has no job ${jobKey}`);
    if (job.length !== position) throw new Error(`toy engine holds ${job.length} positions, not ${position}`);
    job.length += count;
    const rows = new Float32Array(count * TOY.hidden);
    for (let row = 0; row < count; row++) {
      const state = (job.states.at(-1) ?? []).map((layer) => layer.slice());
      rows.set(this.#row(input, row, state), row * TOY.hidden);
      job.states.push(state);
    }
    if (logits === false) return { rows };
    const wanted = logits === 'all' ? count : 1;
    const all = Array.from({ length: wanted }, (_, index) => logitsOf(rows.subarray((count - wanted + index) * TOY.hidden, (count - wanted + index + 1) * TOY.hidden)));
    return { rows, logits: Float32Array.from(all.flatMap((each) => [...each])) };
  }

  #row(input: Uint32Array | Float32Array, row: number, state: readonly Float32Array[]): Float32Array {
    const { from, to, embeds, heads } = this.#shape;
    const values = embeds
      ? Float32Array.from({ length: TOY.hidden }, (_, channel) => weight(input[row] ?? 0, channel + 3))
      : Float32Array.from(input.subarray(row * TOY.hidden, (row + 1) * TOY.hidden));
    for (let layer = from; layer < to; layer++) {
      const held = state[layer] ?? new Float32Array(TOY.hidden);
      for (let channel = 0; channel < TOY.hidden; channel++) {
        held[channel] = (held[channel] ?? 0) * 0.6 + (values[(channel + layer) % TOY.hidden] ?? 0);
        const mixed = held[channel] ?? 0;
        values[channel] = (values[channel] ?? 0) * 0.8 + (mixed / (1 + Math.abs(mixed))) * weight(layer + 11, channel);
      }
    }
    return heads ? values.map((value) => value / 2) : values;
  }
}

export function logitsOf(row: Float32Array): Float32Array {
  return Float32Array.from({ length: TOY.vocabulary }, (_, id) => row.reduce((sum, value, channel) => sum + value * weight(id + 1, channel + 17), 0));
}

/** What a worker with these layers holds. */
export function holdToy(shape: StageShape): HeldStage & { readonly engine: ToyEngine } {
  return { engine: new ToyEngine(shape), modelId: TOY_MODEL_ID, architecture: TOY, shape, calibration: CALIBRATION };
}

/** Bytes of every shard of the toy model; what is in them nobody reads. */
export const TOY_SHARD_BYTES = 100;

/** A manifest of the toy model: shards by name, with made-up hashes. */
export function toyManifest(): ModelManifest {
  const table = encodeCalibration(CALIBRATION);
  const names = ['embedding', ...Array.from({ length: TOY.layers }, (_, layer) => `layer-${layer}`), 'head'];
  return {
    format: 1,
    name: 'toy',
    licence: 'none',
    file: { name: 'toy.gguf', sha256: 'ef'.repeat(32), bytes: names.length * TOY_SHARD_BYTES },
    architecture: TOY,
    shards: names.map((name, index) => ({ name, sha256: toHex(sha256(Uint8Array.of(index))), bytes: TOY_SHARD_BYTES, ranges: [{ offset: index * TOY_SHARD_BYTES, length: TOY_SHARD_BYTES }], tensors: [] })),
    stopIds: [],
    calibration: { sha256: toHex(sha256(table)), base64: toBase64(table) },
  };
}
