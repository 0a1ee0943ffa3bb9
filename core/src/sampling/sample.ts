/** Chooses the next id from the last position's logits; the same bits in every browser (PROTOCOL 4). */
import { distributionOf, idAt, penalised } from './distribution.ts';
import { drawAt } from './draw.ts';
import { SamplingError } from './sampling-error.ts';
import type { SamplerSettings } from './sampler-settings.ts';

/**
 * The id that follows `position`.
 *
 * @param logits [vocabulary], left unchanged
 * @param seed unsigned 32-bit; with `position` it fixes the draw
 * @param recentIds ids that the repetition penalty applies to
 * @throws SamplingError `bad-logits` when the largest logit is not finite
 */
export function sample(logits: Float32Array, settings: SamplerSettings, seed: number, position: number, recentIds: ArrayLike<number>): number {
  const penalise = settings.repetitionPenalty !== 1 && recentIds.length > 0;
  const scores = penalise ? penalised(logits, recentIds, settings.repetitionPenalty) : logits;
  if (settings.temperature === 0) return greedy(scores);
  return idAt(distributionOf(scores, settings), drawAt(seed, position));
}

/** The id of the largest logit, the lowest of equals. Throws SamplingError `bad-logits`. */
export function greedy(logits: Float32Array): number {
  let best = 0;
  let most = logits[0] ?? NaN;
  for (let id = 1; id < logits.length; id++) {
    const logit = logits[id] ?? NaN;
    if (logit > most) {
      most = logit;
      best = id;
    }
  }
  if (!(most - most === 0)) {
    throw new SamplingError('bad-logits', `The largest of ${logits.length} logits is ${most}; the stage's output is not usable.`, { fault: 'peer' });
  }
  return best;
}
