import type { ExternalWeight } from '@ciro/core/model/graph/onnx-model.ts';

/**
 * Made-up weights for qualification and benchmark: the same values everywhere, nothing to fetch. Matrices are spread so that
 * a row keeps its size through them; norm gains lie around 1.
 */
export class SeededWeights {
  readonly #dims: ReadonlyMap<string, readonly number[]>;
  readonly #seed: number;

  constructor(weights: readonly ExternalWeight[], seed: number) {
    this.#dims = new Map(weights.map(({ name, dims }) => [name, dims]));
    this.#seed = seed;
  }

  /** Fresh values of a weight, row-major. Throws RangeError for a name outside the graph. */
  values(name: string): Float32Array {
    const dims = this.#dims.get(name);
    if (!dims) throw new RangeError(`no weight ${name} in this graph`);
    const length = dims.reduce((product, dim) => product * dim, 1);
    if (dims.length === 1) return uniform(length, this.#seed, name, 0.25, 1);
    // Variance 1 / width: of the summed axis, or axes where it is a convolution's.
    return uniform(length, this.#seed, name, Math.sqrt(3 / dims.slice(1).reduce((product, dim) => product * dim, 1)));
  }
}

/** Rows of a made-up input, uniform in [-1, 1). */
export function seededRows(length: number, seed: number, name: string): Float32Array {
  return uniform(length, seed, name, 1);
}

/**
 * `middle` plus or minus up to `spread`, depending on seed and name: a 32-bit linear congruential generator (Numerical Recipes), high bits. One loop,
 * as a tab makes 130 MB of them before it joins.
 */
function uniform(length: number, seed: number, name: string, spread: number, middle = 0): Float32Array {
  let state = seed;
  for (let i = 0; i < name.length; i++) state = (Math.imul(state, 31) + name.charCodeAt(i)) | 0;
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    values[i] = middle + spread * ((state >> 8) / 2 ** 23);
  }
  return values;
}
