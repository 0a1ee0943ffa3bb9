import { ModelsError } from './models-error.ts';

/** A row past position 0 may not exceed 2^10 times its channel's scale (PROTOCOL 5): beyond, float32 is coarser than tau. */
export const SCALE_EXCESS_MAX = 2 ** 10;
/** At position 0 anything goes that has a cell: int32 cells of 64 tau, tau being at least 2^-12 of the scale (SPEC C1, C2). */
export const SCALE_EXCESS_MAX_AT_ZERO = 2 ** (31 + 6 - 12);

/**
 * A channel that is all but silent gets no scale below 2^-24 of the boundary's largest: its values are the rounding errors
 * of larger ones, and a scale of nothing would send them past the range of a cell.
 */
const EXPONENT_SPAN_MAX = 24;
/** The table's entries are int8; a boundary whose largest scale isn't in here has no sense. */
const EXPONENT_MIN = -100;
const EXPONENT_MAX = 100;

/** Per-channel scales of one boundary: those of position 0 and those of all other positions. */
export interface BoundaryExponents {
  readonly exponents: Int8Array;
  readonly exponentsAtZero: Int8Array;
}

/** Gathers the rows of one boundary and makes its power-of-two scales. Boundaries are numbered as in `CalibrationTable`. */
export class BoundaryStatistics {
  readonly #boundary: number;
  readonly #hidden: number;
  /** Sums of squares: float64 adds the float32 squares in a fixed order, so the table is the same on every machine. */
  readonly #squares: Float64Array;
  readonly #squaresAtZero: Float64Array;
  #rows = 0;
  #rowsAtZero = 0;

  constructor(boundary: number, hidden: number) {
    this.#boundary = boundary;
    this.#hidden = hidden;
    this.#squares = new Float64Array(hidden);
    this.#squaresAtZero = new Float64Array(hidden);
  }

  /** Adds the rows [n, hidden] of one run from position 0. Throws ModelsError `calibration-refused` for NaN and infinities. */
  add(rows: Float32Array): void {
    for (let position = 0, at = 0; at < rows.length; position++, at += this.#hidden) {
      const squares = position === 0 ? this.#squaresAtZero : this.#squares;
      for (let channel = 0; channel < this.#hidden; channel++) {
        const value = rows[at + channel] ?? 0;
        if (!Number.isFinite(value)) throw this.#refusal(position, channel, value, 'which is not a finite number');
        squares[channel] = (squares[channel] ?? 0) + value * value;
      }
    }
    this.#rowsAtZero += 1;
    this.#rows += rows.length / this.#hidden - 1;
  }

  /** ceil(log2(rms)) of every channel. */
  exponents(): BoundaryExponents {
    return {
      exponents: exponentsOf(this.#squares, this.#rows),
      exponentsAtZero: exponentsOf(this.#squaresAtZero, this.#rowsAtZero),
    };
  }

  /** Refuses rows of one run that lie so far past their scale that a commitment couldn't be checked. */
  check(rows: Float32Array, { exponents, exponentsAtZero }: BoundaryExponents): void {
    for (let at = 0; at < rows.length; at++) {
      const position = Math.floor(at / this.#hidden);
      const channel = at % this.#hidden;
      const value = rows[at] ?? 0;
      if (!Number.isFinite(value)) throw this.#refusal(position, channel, value, 'which is not a finite number');
      const limit = position === 0 ? SCALE_EXCESS_MAX_AT_ZERO * 2 ** (exponentsAtZero[channel] ?? 0) : SCALE_EXCESS_MAX * 2 ** (exponents[channel] ?? 0);
      if (Math.abs(value) >= limit) throw this.#refusal(position, channel, value, `past 2^${position === 0 ? 25 : 10} of its scale (${limit})`);
    }
  }

  #refusal(position: number, channel: number, value: number, what: string): ModelsError {
    return new ModelsError(
      'calibration-refused',
      `Boundary ${this.#boundary}, position ${position}, channel ${channel}: the value is ${value}, ${what}. Answers of this model can't be verified, so it isn't served.`,
      { fault: 'user', fields: { boundary: this.#boundary, position, channel, value } },
    );
  }
}

/** Smallest e with rms <= 2^e, by comparing exact doubles: no logarithm, so no platform's rounding. */
function exponentsOf(squares: Float64Array, rows: number): Int8Array {
  const exact = Array.from(squares, (sum) => {
    let exponent = EXPONENT_MIN;
    while (exponent < EXPONENT_MAX && sum > rows * 4 ** exponent) exponent++;
    return exponent;
  });
  const floor = Math.max(...exact) - EXPONENT_SPAN_MAX;
  return Int8Array.from(exact, (exponent) => Math.max(exponent, floor));
}
