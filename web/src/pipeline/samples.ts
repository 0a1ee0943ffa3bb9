import { STATISTIC_SAMPLES } from './stage-limits.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

/** The newest STATISTIC_SAMPLES timings of one figure, in milliseconds. */
export class Samples {
  readonly #values = new Float64Array(STATISTIC_SAMPLES);
  #count = 0;

  add(milliseconds: number): void {
    this.#values[this.#count++ % STATISTIC_SAMPLES] = milliseconds;
  }

  /** Nearest-rank percentiles; 0 when nothing was measured. */
  percentiles(): Percentiles {
    const held = Math.min(this.#count, STATISTIC_SAMPLES);
    const sorted = this.#values.slice(0, held).sort();
    const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * held) - 1)] ?? 0;
    return { p50: rank(0.5), p95: rank(0.95) };
  }
}
