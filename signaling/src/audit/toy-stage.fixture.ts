import { createHash } from 'node:crypto';
import { toBase64 } from '@ciro/core/bytes.ts';
import { encodeCalibration } from '@ciro/core/model/calibration-codec.ts';
import { greedy } from '@ciro/core/sampling/sample.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { CalibrationTable, ModelManifest } from '@ciro/core/model/manifest.ts';

/** Sizes of a made-up model that is computed in a few lines. */
export const TOY_LAYERS = 6;
export const TOY_HIDDEN = 8;
export const TOY_VOCABULARY = 61;
export const TOY_MODEL_ID = 'ab'.repeat(32) as HexHash;
const BOUNDARIES = TOY_LAYERS + 2;

export const TOY_TABLE: CalibrationTable = {
  version: 1,
  hidden: TOY_HIDDEN,
  exponents: new Int8Array(BOUNDARIES * TOY_HIDDEN),
  exponentsAtZero: new Int8Array(BOUNDARIES * TOY_HIDDEN),
  tauExponent: -12,
  tauExponentAtZero: -12,
  deltaExponent: -10,
};

const encoded = encodeCalibration(TOY_TABLE);

export const TOY_MANIFEST: ModelManifest = {
  format: 1,
  name: 'toy',
  licence: 'none',
  file: { name: 'toy.gguf', sha256: 'ef'.repeat(32), bytes: 1 },
  architecture: { family: 'llama', layers: TOY_LAYERS, hidden: TOY_HIDDEN, heads: 2, kvHeads: 1, headDim: 4, feedForward: 16, vocabulary: TOY_VOCABULARY, context: 2_048, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true },
  shards: [],
  stopIds: [],
  calibration: { sha256: createHash('sha256').update(encoded).digest('hex'), base64: toBase64(encoded) },
};

/** Some number in [-1, 1) that depends on two counters: stands for a weight. */
const weight = (row: number, column: number): number => ((row * 7919 + column * 104_729 + row * column * 31) % 2003) / 1001.5 - 1;

/** Runs layers [from, to) of the toy over whole sequences. Order matters as in attention: each layer keeps a running state. */
export class ToyStage {
  readonly #from: number;
  readonly #to: number;
  readonly #state: Float32Array[];

  constructor([from, to]: readonly [number, number]) {
    this.#from = from;
    this.#to = to;
    this.#state = Array.from({ length: TOY_LAYERS }, () => new Float32Array(TOY_HIDDEN));
  }

  /** The next position: an id on the first stage, else a row. */
  next(input: number | Float32Array): Float32Array {
    const values = typeof input === 'number' ? Float32Array.from({ length: TOY_HIDDEN }, (_, channel) => weight(input, channel + 3)) : Float32Array.from(input);
    for (let layer = this.#from; layer < this.#to; layer++) {
      const held = this.#state[layer] as Float32Array;
      for (let channel = 0; channel < TOY_HIDDEN; channel++) {
        const mixed = (held[channel] as number) * 0.6 + (values[(channel + layer) % TOY_HIDDEN] as number);
        held[channel] = mixed;
        values[channel] = (values[channel] as number) * 0.8 + (mixed / (1 + Math.abs(mixed))) * weight(layer + 11, channel);
      }
    }
    return this.#to === TOY_LAYERS ? values.map((value) => value / 2) : values;
  }

  /** All rows of inputs as they travel: ids or rows, little-endian. */
  all(inputs: Uint8Array): Float32Array {
    const { buffer } = Uint8Array.from(inputs);
    const ids = this.#from === 0;
    const count = inputs.length / (ids ? 4 : 4 * TOY_HIDDEN);
    const out = new Float32Array(count * TOY_HIDDEN);
    for (let position = 0; position < count; position++) out.set(this.next(ids ? (new Uint32Array(buffer)[position] as number) : new Float32Array(buffer).subarray(position * TOY_HIDDEN, (position + 1) * TOY_HIDDEN)), position * TOY_HIDDEN);
    return out;
  }
}

export const toyLogits = (row: Float32Array): Float32Array => Float32Array.from({ length: TOY_VOCABULARY }, (_, id) => row.reduce((sum, value, channel) => sum + value * weight(id + 1, channel + 17), 0));

export const toyId = (row: Float32Array): number => greedy(toyLogits(row));
