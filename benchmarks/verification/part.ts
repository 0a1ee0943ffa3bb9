import type { BenchReport } from '../result.ts';

/** What each part of the verification bench is given. */
export interface PartContext {
  /** 1: everything. 20: a seeded twentieth, whose counts are too small for the bars about counts. */
  readonly share: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Rows, seeds and a value (or `notMeasured`) for every bar that the part is about. */
export type PartReport = Pick<BenchReport, 'seeds' | 'rows' | 'values' | 'browser'>;

/** A part of `npm run bench -- verification`, chosen by name. */
export interface Part {
  readonly name: string;
  /** Bars of benchmarks/bars.json that `run` answers. */
  readonly bars: readonly string[];
  run(context: PartContext): Promise<PartReport>;
}
