import type { BoundaryExponents } from './boundary-statistics.ts';
import type { BoundaryRows } from './reference-run.ts';

/** Of |x - x'| / scale over the elements past position 0. */
export interface ErrorQuantiles {
  readonly p50: number;
  readonly p999: number;
  readonly max: number;
}

export const NO_ERRORS: ErrorQuantiles = { p50: 0, p999: 0, max: 0 };

/** Differences between two runs at one boundary, in units of the channels' scales. */
export class BoundaryErrors {
  readonly #hidden: number;
  readonly #scales: Float64Array;
  readonly #scalesAtZero: Float64Array;
  readonly #past: Float64Array[] = [];
  #atZero = 0;

  readonly #exponents: BoundaryExponents;

  constructor(hidden: number, exponents: BoundaryExponents) {
    this.#hidden = hidden;
    this.#exponents = exponents;
    this.#scales = Float64Array.from(exponents.exponents, (exponent) => 2 ** exponent);
    this.#scalesAtZero = Float64Array.from(exponents.exponentsAtZero, (exponent) => 2 ** exponent);
  }

  /** An empty one for the same boundary. */
  like(): BoundaryErrors {
    return new BoundaryErrors(this.#hidden, this.#exponents);
  }

  /** Adds the differences of two runs; `reference` may hold more positions of a sequence than `other`. */
  add(reference: BoundaryRows, other: BoundaryRows): void {
    other.forEach((rows, sequence) => {
      const expected = reference[sequence] ?? new Float32Array();
      const past = new Float64Array(Math.max(0, rows.length - this.#hidden));
      for (let at = 0; at < rows.length; at++) {
        const difference = Math.abs((rows[at] ?? NaN) - (expected[at] ?? NaN));
        const channel = at % this.#hidden;
        if (at < this.#hidden) this.#atZero = Math.max(this.#atZero, difference / (this.#scalesAtZero[channel] ?? NaN));
        else past[at - this.#hidden] = difference / (this.#scales[channel] ?? NaN);
      }
      if (past.length > 0) this.#past.push(past);
    });
  }

  /** Largest at position 0. */
  get maxAtZero(): number {
    return this.#atZero;
  }

  get max(): number {
    return this.#past.reduce((most, part) => part.reduce((m, error) => Math.max(m, error), most), 0);
  }

  quantiles(): ErrorQuantiles {
    const all = this.#sorted();
    if (all.length === 0) return NO_ERRORS;
    const at = (share: number): number => all[Math.min(all.length - 1, Math.floor(share * all.length))] ?? 0;
    return { p50: at(0.5), p999: at(0.999), max: at(1) };
  }

  /** Share of the elements past position 0 that differ by more than `limit` of their scale. */
  shareAbove(limit: number): number {
    let [above, total] = [0, 0];
    for (const part of this.#past) {
      total += part.length;
      for (const error of part) if (error > limit) above++;
    }
    return total === 0 ? 0 : above / total;
  }

  #sorted(): Float64Array {
    const all = new Float64Array(this.#past.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#past) {
      all.set(part, at);
      at += part.length;
    }
    return all.sort();
  }
}
