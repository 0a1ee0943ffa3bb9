import { ModelsError } from './models-error.ts';
import type { BoundaryErrors } from './calibrate-errors.ts';
import type { StageFindings } from './calibrate-findings.ts';

/** PROTOCOL 5: so much of a stage's output must differ by more than 8 tau when its weights were rounded to 8 bits again. */
const CHEAT_SHARE_MIN = 0.01;
/** tau is at least 2^-12 of the scale, delta at least 2^-15 of the logits' rms, and both four times what honest runs differ by. */
const FLOOR_EXPONENT = -12;
/** Finer than tau's: every id within delta of the best is anybody's to choose. An engine is admitted at half of it (qualification). */
const DELTA_FLOOR_EXPONENT = -15;
const HONEST_FACTOR = 4;
/** A tolerance is never finer than float32 itself. */
const EXPONENT_MIN = -24;
/** As the table's encoding: a tau of half a scale and more would let anything pass. */
const TAU_EXPONENT_MAX = -2;
/** As the table's encoding: where logits are so large that 2^-15 of them is more than 2^8, every id would be ambiguous. */
const DELTA_EXPONENT_MAX = 8;
const EXPONENT_MAX = 127;

/** Smallest e with 2^e >= value, by comparing exact doubles. */
export function powerOfTwoFrom(value: number): number {
  let exponent = EXPONENT_MIN;
  while (exponent < EXPONENT_MAX && 2 ** exponent < value) exponent++;
  return exponent;
}

/** Exponent of tau in units of the scale (PROTOCOL 5). */
export const tauExponentFrom = (honestMax: number): number => Math.max(FLOOR_EXPONENT, powerOfTwoFrom(HONEST_FACTOR * honestMax));

/** Refuses a model whose honest runs differ so much that four times that isn't a tolerance any more. */
export function refuseUnsteady(boundary: number, honest: BoundaryErrors): void {
  for (const [where, error] of [['past position 0', honest.max], ['at position 0', honest.maxAtZero]] as const) {
    if (HONEST_FACTOR * error <= 2 ** TAU_EXPONENT_MAX) continue;
    throw new ModelsError('calibration-refused', `Boundary ${boundary}, ${where}: two honest runs differ by ${error} of a channel's scale. Answers of this model can't be verified, so it isn't served.`, {
      fault: 'user',
      fields: { boundary, value: error },
    });
  }
}

/** Refuses a model whose weights could be rounded to 8 bits without anyone seeing it. */
export function refuseUnresolved({ from, to, boundary, requantisedPast8Tau }: StageFindings, tauExponent: number): void {
  if (requantisedPast8Tau >= CHEAT_SHARE_MIN) return;
  throw new ModelsError(
    'calibration-refused',
    `Boundary ${boundary}: after rounding the weights of layers ${from} to ${to} to 8 bits, ${(100 * requantisedPast8Tau).toFixed(2)} % of the values differ by more than 8 tau (tau = 2^${tauExponent} of the scale); ` +
      `${100 * CHEAT_SHARE_MIN} % are needed. Answers of this model can't be verified, so it isn't served.`,
    { fault: 'user', fields: { boundary, from, to, value: requantisedPast8Tau, tauExponent } },
  );
}

/** Exponent of delta (SPEC A7). Refuses a model whose logits are too large or too unsteady for one. */
export function deltaExponentFrom({ difference, rms }: { readonly difference: number; readonly rms: number }): number {
  const tolerance = Math.max(HONEST_FACTOR * difference, 2 ** DELTA_FLOOR_EXPONENT * rms);
  const exponent = powerOfTwoFrom(tolerance);
  if (exponent <= DELTA_EXPONENT_MAX && tolerance - tolerance === 0) return exponent;
  throw new ModelsError('calibration-refused', `The head: honest runs call for a tolerance of ${tolerance} in the logits; at most 2^${DELTA_EXPONENT_MAX} makes sense. Answers of this model can't be verified, so it isn't served.`, {
    fault: 'user',
    fields: { value: tolerance },
  });
}
