import type { Architecture } from './architecture.ts';
import type { StageShape } from './architecture.ts';

/** Block formats of GGUF that core can expand to float32; anything else is refused by name at import. */
export const QUANTISATIONS = ['F32', 'F16', 'BF16', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'Q4_K', 'Q5_K', 'Q6_K'] as const;
export type Quantisation = (typeof QUANTISATIONS)[number];

/** One tensor inside a shard. `dims` in GGUF order: `dims[0]` is contiguous (input width), `dims[1]` counts rows (output width). */
export interface ShardTensor {
  readonly name: string;
  readonly type: Quantisation;
  readonly dims: readonly number[];
  /** Byte offset inside the shard (the shard is its ranges, concatenated in order). */
  readonly offset: number;
  readonly bytes: number;
}

/** Bytes `[offset, offset + length)` of the model's public file. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** The smallest unit of weights that is fetched, checked and cached: one layer, the embedding, or the head. */
export interface Shard {
  /** `embedding`, `head` or `layer-N`. */
  readonly name: string;
  /** SHA-256 of the concatenated ranges, lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  readonly ranges: readonly ByteRange[];
  readonly tensors: readonly ShardTensor[];
}

/** Where the public file can be had; every source is checked against `sha256`. */
export interface ModelFile {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** Calibration table: power-of-two scale exponents per channel, one row a boundary (see SPEC, calibration). */
export interface CalibrationTable {
  readonly version: number;
  /** Channels, = hidden. */
  readonly hidden: number;
  /**
   * Row `b` of `exponents` holds boundary b: 0 = embedding output, k = output of layer k-1, layers+1 = final norm.
   * int8 of length (layers + 2) * hidden; scale of a channel = 2^exponent.
   */
  readonly exponents: Int8Array;
  /** The same for position 0, which carries massive activations. */
  readonly exponentsAtZero: Int8Array;
  /** tau = 2^tauExponent * scale; s = 2^(tauExponent + 6) * scale. Separately for position 0. */
  readonly tauExponent: number;
  readonly tauExponentAtZero: number;
  /** delta = 2^deltaExponent, in logits: what two engines' logits of the same final-norm row may differ by (SPEC A7). */
  readonly deltaExponent: number;
}

/** Everything a party needs to run, check and price a model; its canonical hash is the model id. */
export interface ModelManifest {
  readonly format: 1;
  /** Name served as `model` by the API, e.g. `smollm2-135m-instruct-q4_1`. */
  readonly name: string;
  readonly licence: string;
  readonly file: ModelFile;
  readonly architecture: Architecture;
  /** `embedding`, `layer-0` … `layer-(L-1)`, `head`. A tied head's shard holds the final norm only; its matrix is the embedding's. */
  readonly shards: readonly Shard[];
  /** Token ids that end an answer. */
  readonly stopIds: readonly number[];
  /** Encoded calibration table: base64 of the bytes that `encodeCalibration` gives, and their SHA-256. */
  readonly calibration: { readonly sha256: string; readonly base64: string };
}

/** Names of the shards a stage needs, in load order. A tied head needs the embedding's shard too; it is listed once. */
export function shardsOfStage(manifest: ModelManifest, stage: StageShape): Shard[] {
  const names = new Set<string>();
  if (stage.embeds) names.add('embedding');
  for (let layer = stage.from; layer < stage.to; layer++) names.add(`layer-${layer}`);
  if (stage.heads) {
    names.add('head');
    if (manifest.architecture.tiedHead) names.add('embedding');
  }
  return manifest.shards.filter((shard) => names.has(shard.name));
}
