/**
 * Expands quantised shards into the float32 matrices that the stage graph names. One weight at a time, into one scratch
 * buffer: a session copies each weight as it is read, so a stage never lies in memory twice.
 */
import { headSlices, headSliceName } from './graph/stage-graph.ts';
import { EngineError } from './engine-error.ts';
import { dequantise, dequantiseRows } from './quantisation/dequantise.ts';
import { shardsOfStage } from './manifest.ts';
import type { Architecture, StageShape } from './architecture.ts';
import type { ModelManifest, Shard, ShardTensor } from './manifest.ts';

/** A matrix as the file stores it: `rows` rows of `width` elements. */
interface StoredMatrix {
  readonly tensor: ShardTensor;
  readonly bytes: Uint8Array;
}

/** Gives any weight of a stage's graphs by name. Holds the shards' bytes, not the expanded values. */
export class StageWeights {
  readonly #architecture: Architecture;
  readonly #matrices = new Map<string, StoredMatrix>();
  #out = new Float32Array(0);

  /** `shards` maps shard name to its bytes, for every shard of the stage. Throws EngineError `missing-tensor`. */
  constructor(manifest: ModelManifest, shape: StageShape, shards: ReadonlyMap<string, Uint8Array>) {
    this.#architecture = manifest.architecture;
    for (const shard of shardsOfStage(manifest, shape)) this.#addShard(shard, shards.get(shard.name));
  }

  /**
   * The values of one graph weight, row-major in the graph's dims.
   * The array is a view of a buffer that the next call overwrites. Throws EngineError `missing-tensor`.
   */
  expand(name: string): Float32Array {
    const { hidden, heads, kvHeads, headDim, feedForward, tiedHead } = this.#architecture;
    if (name === 'final_norm') return this.#vector('output_norm.weight', hidden);
    const slice = headSlices(this.#architecture.vocabulary).find((each) => headSliceName(each.first) === name);
    if (slice) return this.#headRows(tiedHead ? 'token_embd.weight' : 'output.weight', slice.first, slice.rows);
    const [layer = '', part = ''] = name.split('.');
    const stored = (tensor: string): string => `blk.${layer.slice('layer-'.length)}.${tensor}.weight`;
    switch (part) {
      case 'attention_norm':
        return this.#vector(stored('attn_norm'), hidden);
      case 'feed_forward_norm':
        return this.#vector(stored('ffn_norm'), hidden);
      case 'qkv':
        return this.#stacked(hidden, [
          { tensor: stored('attn_q'), rows: heads * headDim, rotaryHeads: heads },
          { tensor: stored('attn_k'), rows: kvHeads * headDim, rotaryHeads: kvHeads },
          { tensor: stored('attn_v'), rows: kvHeads * headDim },
        ]);
      case 'output':
        return this.#stacked(heads * headDim, [{ tensor: stored('attn_output'), rows: hidden }]);
      case 'gate_up':
        return this.#stacked(hidden, [
          { tensor: stored('ffn_gate'), rows: feedForward },
          { tensor: stored('ffn_up'), rows: feedForward },
        ]);
      case 'down':
        return this.#stacked(feedForward, [{ tensor: stored('ffn_down'), rows: hidden }]);
      default:
        throw missing(name, 'is not a weight of a stage graph');
    }
  }

  /** The shard that a graph weight is expanded from. */
  shardOf(name: string): string {
    if (name === 'final_norm') return 'head';
    if (name.startsWith('head.')) return this.#architecture.tiedHead ? 'embedding' : 'head';
    return name.slice(0, name.indexOf('.'));
  }

  #addShard(shard: Shard, bytes: Uint8Array | undefined): void {
    if (bytes?.length !== shard.bytes) throw missing(shard.name, `has ${bytes?.length ?? 'no'} bytes, not ${shard.bytes}`);
    for (const tensor of shard.tensors) {
      this.#matrices.set(tensor.name, { tensor, bytes: bytes.subarray(tensor.offset, tensor.offset + tensor.bytes) });
    }
  }

  #stored(name: string, width: number, rows: number): StoredMatrix {
    const matrix = this.#matrices.get(name);
    if (!matrix) throw missing(name, 'is not in the shards of this stage');
    const [storedWidth, storedRows = 1] = matrix.tensor.dims;
    if (storedWidth !== width || storedRows !== rows) {
      throw missing(name, `is ${storedRows} x ${storedWidth}, not ${rows} x ${width} as the architecture says`);
    }
    return matrix;
  }

  #vector(name: string, width: number): Float32Array {
    const { tensor, bytes } = this.#stored(name, width, 1);
    const out = this.#output(width);
    dequantise(tensor.type, bytes, out);
    return out;
  }

  #headRows(name: string, first: number, rows: number): Float32Array {
    const { hidden, vocabulary } = this.#architecture;
    const { tensor, bytes } = this.#stored(name, hidden, vocabulary);
    const out = this.#output(rows * hidden);
    dequantiseRows(tensor.type, bytes, hidden, first, rows, out);
    return out;
  }

  /** Several stored [rows, width] matrices below each other: [sum of rows, width]. */
  #stacked(width: number, parts: readonly { tensor: string; rows: number; rotaryHeads?: number }[]): Float32Array {
    const out = this.#output(width * parts.reduce((sum, part) => sum + part.rows, 0));
    let first = 0;
    for (const part of parts) {
      const { tensor, bytes } = this.#stored(part.tensor, width, part.rows);
      const rows = out.subarray(first * width, (first + part.rows) * width);
      if (part.rotaryHeads === undefined) {
        dequantise(tensor.type, bytes, rows);
      } else {
        const headDim = part.rows / part.rotaryHeads;
        for (let row = 0; row < part.rows; row++) {
          dequantiseRows(tensor.type, bytes, width, interleavedRow(row, headDim), 1, rows.subarray(row * width, (row + 1) * width));
        }
      }
      first += part.rows;
    }
    return out;
  }

  #output(length: number): Float32Array {
    if (this.#out.length < length) this.#out = new Float32Array(length);
    return this.#out.subarray(0, length);
  }
}

/**
 * Stored row of half-split row n. GGUF llama files interleave the two rotary halves of each query and key head: element i
 * of half j lies in the head's row 2i + j.
 */
function interleavedRow(n: number, headDim: number): number {
  const inHead = n % headDim;
  const half = headDim / 2;
  return n - inHead + 2 * (inHead % half) + (inHead < half ? 0 : 1);
}

function missing(name: string, why: string): EngineError {
  return new EngineError('missing-tensor', `${name} ${why}; fetch the shards of this stage again or check the manifest.`, {
    fault: 'bug',
    fields: { name },
  });
}
