import { log } from '../numeric/exponential.ts';

/** Half of tau: an honest device, which is admitted at a quarter of tau, stays below it (PROTOCOL 5). */
const NEUTRAL_OF_TAU = 0.5;
/** One audit takes away at most half a nat, so that a long honest record cannot be saved up and spent. */
const LEAST_STEP_NATS = -0.5;
/** One audit adds at most this: no single one decides. */
const MOST_STEP_NATS = 3;
/** Audits one worker may have in a year: one every ten minutes. */
export const AUDITS_A_YEAR = 52_560;
/** False alarms that are accepted, a worker and year. */
export const FALSE_ALARMS_A_YEAR = 1e-6;

/** Nats that a passed audit speaks for a worker that lives off the tolerance (SPEC A9). `worstOfTau`: from the verdict. */
export function suspicionStep(worstOfTau: number): number {
  const nats = log(worstOfTau / NEUTRAL_OF_TAU);
  return Math.min(MOST_STEP_NATS, Math.max(LEAST_STEP_NATS, nats));
}

/** A worker's suspicion after one more passed audit (SPEC A9). */
export function suspicionAfter(suspicion: number, worstOfTau: number): number {
  return Math.max(0, suspicion + suspicionStep(worstOfTau));
}

/**
 * Suspicion above which a worker is audited in full, in nats: 24.7 for the default (SPEC A9).
 *
 * Bound: if E[e^step] <= 1 for honest work, which holds wherever worstOfTau stays at or below 1/2, the product of the steps' e^
 * from any audit on is a supermartingale, so by Ville's inequality it ever exceeds e^h with probability at most e^-h. The floored
 * sum exceeds h only if one of those does: over N audits at most N e^-h, which is FALSE_ALARMS_A_YEAR for N = auditsAYear.
 */
export function suspicionLimit(auditsAYear: number = AUDITS_A_YEAR): number {
  return log(auditsAYear / FALSE_ALARMS_A_YEAR);
}

/** True when a worker is audited in full from now on; nothing else follows (SPEC A9). */
export function isSuspect(suspicion: number, auditsAYear: number = AUDITS_A_YEAR): boolean {
  return suspicion > suspicionLimit(auditsAYear);
}
