import { CELLS_PER_TAU, cellUnderHint, isCell } from '../commitment/cells.ts';
import type { BoundaryGrid } from '../commitment/cells.ts';
import type { Finding } from './transcript.ts';

/** An element of an auditor differs by at most this much of tau from the payload's (SPEC A6). */
export const MAX_ELEMENT_OF_TAU = 2;
/** The mean over a row of |x - x'| is at most this much of tau (SPEC A6). */
export const MAX_MEAN_OF_TAU = 1 / 8;

/** In the order in which they are looked for. */
const CODES = ['non-finite', 'cells', 'far-from-edge', 'payload-far', 'payload-bias'] as const;

/** Rows of one unit, [positions, channels] both. */
export interface ComparedRows {
  readonly unit: number;
  readonly from: number;
  readonly grid: BoundaryGrid;
  /** The audited worker's. */
  readonly own: Float32Array;
  readonly auditor: Float32Array;
  /** Committed flags as `decodeHints` gives them. */
  readonly flags: Uint32Array;
}

/**
 * An auditor's rows against the payload's, element by element: cells under the hints (SPEC C4, A5), distance and mean (SPEC A6).
 * The figures leave out what is not finite, so that they are always numbers.
 */
export function compareRows({ unit, from, grid, own, auditor, flags }: ComparedRows): { finding: Finding | null; worstOfTau: number; meanOfTau: number } {
  const first = new Map<Finding['code'], Finding>();
  const note = (code: (typeof CODES)[number], position: number, channel: number | undefined, got: number, expected: string): void => {
    if (!first.has(code)) first.set(code, { unit, code, position, ...(channel === undefined ? {} : { channel }), got: String(got), expected });
  };
  let worstOfTau = 0;
  let meanOfTau = 0;
  let nextFlag = 0;
  for (let start = 0, position = from; start < own.length; start += grid.channels, position++) {
    const inverse = position === 0 ? grid.inverseStepAtZero : grid.inverseStep;
    let sumOfTau = 0;
    for (let channel = 0; channel < grid.channels; channel++) {
      const element = start + channel;
      const x = own[element] as number;
      const other = auditor[element] as number;
      const scaled = other * (inverse[channel] as number);
      const cell = Math.floor(x * (inverse[channel] as number));
      let side = 0;
      if ((flags[nextFlag] ?? 0) >>> 1 === element && nextFlag < flags.length) side = ((flags[nextFlag++] as number) & 1) + 1;
      if (!isCell(cell) || !isCell(Math.floor(scaled))) {
        note('non-finite', position, channel, x, String(other));
        continue;
      }
      const audited = cellUnderHint(scaled, side);
      if (audited !== audited) note('far-from-edge', position, channel, x, String(other));
      else if (audited !== cell) note('cells', position, channel, x, String(other));
      const ofTau = Math.abs(x - other) * (inverse[channel] as number) * CELLS_PER_TAU;
      if (ofTau > MAX_ELEMENT_OF_TAU) note('payload-far', position, channel, x, String(other));
      if (ofTau > worstOfTau) worstOfTau = ofTau;
      sumOfTau += ofTau;
    }
    const mean = sumOfTau / grid.channels;
    if (mean > MAX_MEAN_OF_TAU) note('payload-bias', position, undefined, mean, `a mean of at most ${MAX_MEAN_OF_TAU} tau`);
    if (mean > meanOfTau) meanOfTau = mean;
  }
  const code = CODES.find((each) => first.has(each));
  return { finding: (code && first.get(code)) ?? null, worstOfTau, meanOfTau };
}
