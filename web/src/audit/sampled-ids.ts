import { checkId } from '@ciro/core/audit/sampled-id.ts';
import { SamplingError } from '@ciro/core/sampling/sampling-error.ts';
import { MAX_WRONG_IDS } from './audit-limits.ts';
import type { IdCheck } from '@ciro/core/audit/sampled-id.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { SampledIds } from '@ciro/core/protocol/audit-from-worker.ts';

export type Sampling = NonNullable<Extract<CoordinatorMessage, { type: 'audit' }>['sampling']>;

/** Counts how the ids of an answer compare with the logits of an auditor's own rows (SPEC A7). */
export class SampledIdCount {
  readonly #sampling: Sampling;
  readonly #delta: number;
  /** Ids of the answer so far: what the repetition penalty sees. */
  readonly #ids: number[] = [];
  #checked = 0;
  #ambiguous = 0;
  readonly #wrong: SampledIds['wrong'] = [];

  /** `delta`: how far two engines' logits may move apart; from the calibration table. */
  constructor(sampling: Sampling, delta: number) {
    this.#sampling = sampling;
    this.#delta = delta;
  }

  /** Whether an id was sampled after this position at all. */
  follows(position: number): boolean {
    return position >= this.#sampling.promptTokens - 1;
  }

  /** The id after `position` against logits of the row at it; positions come in order. */
  check(position: number, id: number, logits: Float32Array): void {
    const { state, gap } = this.#look(position, id, logits);
    this.#ids.push(id);
    this.#checked++;
    if (state === 'ambiguous') this.#ambiguous++;
    if (state === 'wrong' && this.#wrong.length < MAX_WRONG_IDS) this.#wrong.push({ position, id, gap });
  }

  /** A row whose logits are not finite is one that nothing can be sampled from: whatever id came after it is wrong. */
  #look(position: number, id: number, logits: Float32Array): IdCheck {
    try {
      return checkId({ logits, sampler: this.#sampling.sampler, position, id, recentIds: this.#ids, delta: this.#delta });
    } catch (error) {
      if (error instanceof SamplingError) return { state: 'wrong', gap: 0 };
      throw error;
    }
  }

  get result(): SampledIds {
    return { checked: this.#checked, ambiguous: this.#ambiguous, wrong: this.#wrong };
  }
}
