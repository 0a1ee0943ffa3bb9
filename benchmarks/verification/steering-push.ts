import { NEAR_ELEMENT_OF_TAU, NEAR_MEAN_OF_TAU } from '@ciro/core/audit/near-verdict.ts';
import { CELLS_PER_TAU } from '@ciro/core/commitment/cells.ts';
import type { BoundaryGrid } from '@ciro/core/commitment/cells.ts';

/** What a cheat may move, in units of tau: every element, and the mean over a row (Infinity: no such rule). */
export interface PushLimits {
  readonly element: number;
  readonly mean: number;
}

/** SPEC A6: 2 tau an element and tau / 8 in the mean of a row. */
export const WHOLE_VERDICT: PushLimits = { element: 2, mean: 1 / 8 };
/** What SPEC A10 does not look at again: a quarter of tau an element, tau / 64 in the mean. */
export const UNFOLLOWED: PushLimits = { element: NEAR_ELEMENT_OF_TAU, mean: NEAR_MEAN_OF_TAU };
/** A6 without its second half. */
export const ELEMENTS_ALONE: PushLimits = { element: 2, mean: Infinity };
/** A5: the committed cells decide. */
export const HASH_ALONE: PushLimits = { element: Infinity, mean: Infinity };

/** Stays this far inside every limit: the pushed row is rounded to float32. */
const INSIDE = 1 - 2 ** -8;

/**
 * The honest row, moved as far as the limits allow towards what `gradient` favours: the elements where a push of one tau
 * gains most are pushed first, which is the optimum while the read-out is linear. Every element stays where the cells
 * under its own hints are the honest row's (SPEC C4). Gives the row and the gain that the gradient promises.
 */
export function pushed(row: Float32Array, position: number, gradient: ArrayLike<number>, grid: BoundaryGrid, limits: PushLimits): { row: Float32Array; gain: number } {
  const inverseStep = position === 0 ? grid.inverseStepAtZero : grid.inverseStep;
  const out = row.slice();
  const gainOfTau = Float64Array.from(row, (_, i) => Math.abs(gradient[i] as number) / (inverseStep[i] as number) / CELLS_PER_TAU);
  const order = Uint32Array.from(gainOfTau.keys()).sort((a, b) => (gainOfTau[b] as number) - (gainOfTau[a] as number));
  let budget = limits.mean * row.length * INSIDE;
  let gain = 0;
  for (const i of order) {
    const up = (gradient[i] as number) > 0;
    const room = Math.min(roomInTau((row[i] as number) * (inverseStep[i] as number), up), limits.element) * INSIDE;
    const taus = Math.min(room, budget);
    if (taus <= 0) {
      if (budget <= 0) break;
      continue;
    }
    out[i] = (row[i] as number) + ((up ? taus : -taus) / (inverseStep[i] as number)) / CELLS_PER_TAU;
    gain += taus * (gainOfTau[i] as number);
    budget -= taus;
  }
  return { row: out, gain };
}

/**
 * How far an element at `scaled` cells may move in one direction, in units of tau: up to where it would be flagged as near
 * the edge ahead; over that edge, until it is not flagged any more, if the honest value is within 2 tau of it.
 */
function roomInTau(scaled: number, up: boolean): number {
  const above = scaled - Math.floor(scaled);
  const ahead = CELLS_PER_TAU * (up ? 1 - above : above);
  return ahead <= 2 ? ahead + 1 : ahead - 1;
}
