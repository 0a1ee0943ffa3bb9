import { NO_ID } from '../commitment/unit-hashes.ts';
import { checkId } from './sampled-id.ts';
import type { PlanSampler } from '../job/plan.ts';
import type { SampledIds } from '../protocol/audit-from-worker.ts';

/** Wrong ids that are listed; the first decides. */
const MAX_WRONG_IDS = 16;

/**
 * Counts the last stage's ids against an auditor's logits, one position after the other (SPEC A7).
 * `ids`: one a position from 0 on, from the payloads; `NO_ID` at prompt positions before the last.
 */
export class SampledIdTally {
  readonly #ids: Uint32Array;
  readonly #sampling: { readonly sampler: PlanSampler; readonly promptTokens: number; readonly delta: number };
  #checked = 0;
  #ambiguous = 0;
  readonly #wrong: SampledIds['wrong'] = [];

  constructor(ids: Uint32Array, sampling: { sampler: PlanSampler; promptTokens: number; delta: number }) {
    this.#ids = ids;
    this.#sampling = sampling;
    // No row before the last of the prompt is sampled from: an id there was made up.
    ids.subarray(0, sampling.promptTokens - 1).forEach((id, position) => {
      if (id !== NO_ID) this.#note(position, id, 0);
    });
  }

  /** Positions whose logits are needed, in order. */
  get positions(): number[] {
    const first = this.#sampling.promptTokens - 1;
    return Array.from({ length: Math.max(0, this.#ids.length - first) }, (_, index) => first + index);
  }

  /** Judges the id that follows `position` by the logits [vocabulary] of the committed final-norm row there. Throws as `checkId`. */
  add(position: number, logits: Float32Array): void {
    const { sampler, promptTokens, delta } = this.#sampling;
    const id = this.#ids[position];
    if (id === undefined || position < promptTokens - 1) throw new RangeError(`position ${position} has no sampled id; ids follow ${promptTokens - 1} to ${this.#ids.length - 1}`);
    const { state, gap } = checkId({ logits, sampler, position, id, recentIds: this.#ids.subarray(promptTokens - 1, position), delta });
    this.#checked++;
    if (state === 'ambiguous') this.#ambiguous++;
    if (state === 'wrong') this.#note(position, id, gap);
  }

  get result(): SampledIds {
    return { checked: this.#checked, ambiguous: this.#ambiguous, wrong: [...this.#wrong] };
  }

  #note(position: number, id: number, gap: number): void {
    if (this.#wrong.length < MAX_WRONG_IDS) this.#wrong.push({ position, id, gap });
  }
}
