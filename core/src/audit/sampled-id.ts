import { distributionOf, idAt, penalised } from '../sampling/distribution.ts';
import { drawAt } from '../sampling/draw.ts';
import { greedy } from '../sampling/sample.ts';
import { SamplingError } from '../sampling/sampling-error.ts';
import { tolerantInterval } from './tolerant-interval.ts';
import type { PlanSampler } from '../job/plan.ts';
import type { CalibrationTable } from '../model/manifest.ts';
import type { Distribution } from '../sampling/distribution.ts';

/** An id that the last stage sampled, and an auditor's logits of the committed final-norm row it was sampled from. */
export interface SampledId {
  /** [vocabulary], left unchanged. */
  readonly logits: Float32Array;
  readonly sampler: PlanSampler;
  /** Position of the row: the id follows it. */
  readonly position: number;
  readonly id: number;
  /** Ids of the answer before this one: the repetition penalty's. */
  readonly recentIds: ArrayLike<number>;
  /** How far two engines' logits may move apart (SPEC A7); from `deltaOf`. */
  readonly delta: number;
}

/** `gap`: how far the id is from being right, in logits (greedy) or in probability (drawn); 0 when it is. */
export interface IdCheck {
  readonly state: 'right' | 'ambiguous' | 'wrong';
  readonly gap: number;
}

/** delta of a model, in logits (SPEC A7): the difference of two logits of one row differs between engines by at most this. */
export const deltaOf = (table: CalibrationTable): number => 2 ** table.deltaExponent;

/**
 * Whether an id is what the sampler gives (SPEC A7, S1, S2), or gives for logits within delta of the auditor's (`ambiguous`: counted,
 * never wrong), or neither.
 *
 * @throws SamplingError `bad-logits` when the auditor's own logits are not usable
 */
export function checkId({ logits, sampler, position, id, recentIds, delta }: SampledId): IdCheck {
  const broken = logits.findIndex((logit) => logit !== logit);
  if (broken >= 0) throw new SamplingError('bad-logits', `Logit ${broken} of ${logits.length} is no number; the auditor's engine is not usable.`, { fault: 'platform' });
  const penalty = sampler.repetitionPenalty;
  const penalise = penalty !== 1 && recentIds.length > 0;
  const scores = penalise ? penalised(logits, recentIds, penalty) : logits;
  // The penalty multiplies a logit, and with it what engines differ by.
  const reach = penalise ? delta * Math.max(1, penalty, 1 / penalty) : delta;
  if (sampler.temperature === 0) return checkGreedy(scores, id, reach);
  const distribution = distributionOf(scores, sampler);
  const draw = drawAt(sampler.seed, position);
  if (idAt(distribution, draw) === id) return { state: 'right', gap: 0 };
  const gap = distanceTo(distribution, id, draw);
  const { from, to } = tolerantInterval(scores, sampler, id, reach);
  return { state: draw >= from && draw <= to ? 'ambiguous' : 'wrong', gap };
}

function checkGreedy(scores: Float32Array, id: number, reach: number): IdCheck {
  const best = greedy(scores);
  if (id === best) return { state: 'right', gap: 0 };
  const most = scores[best] as number;
  const score = scores[id];
  // An id outside the vocabulary, or one of no finite logit, is as far off as any float can be.
  if (score === undefined || !Number.isFinite(score)) return { state: 'wrong', gap: LARGEST_GAP };
  return { state: most - score <= reach ? 'ambiguous' : 'wrong', gap: most - score };
}

const LARGEST_GAP = 2 ** 128;

/** Distance of the draw from the id's interval; an id that is not kept has an empty one at its place in the order. */
function distanceTo({ ids, weights, total }: Distribution, id: number, draw: number): number {
  let below = 0;
  let own = 0;
  for (let i = 0; i < ids.length; i++) {
    const each = ids[i] as number;
    if (each < id) below += weights[i] as number;
    else if (each === id) own = weights[i] as number;
  }
  return Math.max(0, below / total - draw, draw - (below + own) / total);
}
