/**
 * Rotary position tables, bit-equal in every browser (PROTOCOL 4): angles in float64 through core's own pow, sin and cos,
 * rounded once to float32. Half-split convention: element i of a head is rotated with element i + headDim / 2.
 */
import { pow } from './exponential.ts';
import { cos, sin } from './trigonometry.ts';

/** The two numbers of an architecture that RoPE depends on. */
export interface RopeShape {
  readonly headDim: number;
  readonly ropeBase: number;
}

/** Rows [n, headDim], row-major: the first half of a row equals its second half. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Tables for the given absolute positions, row i for positions[i]. Throws RangeError for an odd headDim or a position past exact range reduction. */
export function ropeTables(shape: RopeShape, positions: ArrayLike<number>): RopeTables {
  return new RopeCache(shape).rows(positions);
}

/** Computes each position's row once; a model keeps one cache for all its jobs. */
export class RopeCache {
  readonly #headDim: number;
  readonly #frequencies: Float64Array;
  #cos = new Float32Array(0);
  #sin = new Float32Array(0);
  #known = 0;

  constructor(shape: RopeShape) {
    if (shape.headDim % 2 !== 0) throw new RangeError(`RoPE needs an even headDim, got ${shape.headDim}`);
    this.#headDim = shape.headDim;
    this.#frequencies = new Float64Array(shape.headDim / 2);
    for (let i = 0; i < this.#frequencies.length; i++) {
      this.#frequencies[i] = 1 / pow(shape.ropeBase, (2 * i) / shape.headDim);
    }
  }

  /** Copies the rows of `positions` into fresh arrays. */
  rows(positions: ArrayLike<number>): RopeTables {
    const width = this.#headDim;
    const tables = { cos: new Float32Array(positions.length * width), sin: new Float32Array(positions.length * width) };
    for (let row = 0; row < positions.length; row++) {
      const position = positions[row] ?? 0;
      this.#compute(position);
      const from = position * width;
      tables.cos.set(this.#cos.subarray(from, from + width), row * width);
      tables.sin.set(this.#sin.subarray(from, from + width), row * width);
    }
    return tables;
  }

  #compute(position: number): void {
    const width = this.#headDim;
    const half = width / 2;
    if (position * width >= this.#cos.length) this.#grow(position + 1);
    for (; this.#known <= position; this.#known++) {
      const from = this.#known * width;
      for (let i = 0; i < half; i++) {
        const angle = this.#known * (this.#frequencies[i] ?? 0);
        this.#cos[from + i] = this.#cos[from + half + i] = cos(angle);
        this.#sin[from + i] = this.#sin[from + half + i] = sin(angle);
      }
    }
  }

  /** Doubles, so that a long job copies its table a few times only. */
  #grow(rows: number): void {
    const size = Math.max(rows, (2 * this.#cos.length) / this.#headDim, 64) * this.#headDim;
    const cosines = new Float32Array(size);
    const sines = new Float32Array(size);
    cosines.set(this.#cos);
    sines.set(this.#sin);
    this.#cos = cosines;
    this.#sin = sines;
  }
}
