import type { Verdict } from './transcript.ts';

/** An engine is admitted at a quarter of tau (PROTOCOL 5): work of one stays below it. */
export const NEAR_ELEMENT_OF_TAU = 1 / 4;
/** About the most by which honest rows of the engines that tabs have differ in the mean: 0.009 tau with the default model, 0.017 with the seeded one (bench `verification`). */
export const NEAR_MEAN_OF_TAU = 1 / 64;

/**
 * True for rows that are further off than those of an admitted engine usually are, and still within the tolerance (SPEC A10). It is no
 * sign of a cheat by itself: the reference run looks at what became of such rows.
 */
export function isNear({ worstOfTau, meanOfTau }: Pick<Verdict, 'worstOfTau' | 'meanOfTau'>): boolean {
  return worstOfTau > NEAR_ELEMENT_OF_TAU || meanOfTau > NEAR_MEAN_OF_TAU;
}
