import { exp } from '../numeric/exponential.ts';
import { largest } from './largest-first.ts';
import { SamplingError } from './sampling-error.ts';
import type { SamplerSettings } from './sampler-settings.ts';

/** Ids that may be drawn, ascending, each with its weight; probability = weight / total. Weights of the likeliest are 1. */
export interface Distribution {
  readonly ids: Uint32Array;
  readonly weights: Float64Array;
  readonly total: number;
}

/** Ids under this share of the likeliest id's weight are looked at only if top-p's sum needs them. */
const FIRST_TAIL_WEIGHT = 1e-3;
const TAIL_STEP = 1e-3;
const LAST_TAIL_WEIGHT = 1e-21;
/** e^-50 times a vocabulary of 2^18 ids is 5e-17, less than a draw can resolve (2^-53): such ids weigh nothing. */
const NEGLIGIBLE_EXPONENT = -50;

/**
 * What the draw is made from, after penalty, temperature, top-k, top-p and min-p. `temperature` must be above 0.
 * The order of ids and of additions is fixed, so every party gets the same intervals.
 */
export function distributionOf(logits: Float32Array, settings: SamplerSettings): Distribution {
  const ids = largest(logits, settings.topK > 0 ? settings.topK : logits.length);
  let most = -Infinity;
  for (let i = 0; i < ids.length; i++) {
    const logit = logits[ids[i] ?? 0] ?? -Infinity;
    if (logit > most) most = logit;
  }
  if (!(most - most === 0)) {
    throw new SamplingError('bad-logits', `The largest of ${logits.length} logits is ${most}; the stage's output is not usable.`, { fault: 'peer' });
  }
  const weights = new Float64Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const exponent = ((logits[ids[i] ?? 0] ?? -Infinity) - most) / settings.temperature;
    weights[i] = exponent < NEGLIGIBLE_EXPONENT ? 0 : exp(exponent);
  }
  let kept: Distribution = { ids, weights, total: sum(weights) };
  if (settings.topP < 1) kept = keep(kept, topPIndexes(kept, settings.topP));
  if (settings.minP > 0) {
    const floor = settings.minP;
    kept = keep(kept, indexesWhere(kept.weights, (weight) => weight >= floor));
  }
  return kept;
}

/** The id whose interval of the cumulated weights holds `draw` in [0, 1). */
export function idAt(distribution: Distribution, draw: number): number {
  const target = draw * distribution.total;
  let reached = 0;
  let chosen = 0;
  for (let i = 0; i < distribution.ids.length; i++) {
    const weight = distribution.weights[i] ?? 0;
    if (weight === 0) continue;
    chosen = distribution.ids[i] ?? 0;
    reached += weight;
    if (target < reached) break;
  }
  return chosen;
}

/** Copy of the logits with the penalty applied once to every id of `recentIds`. */
export function penalised(logits: Float32Array, recentIds: ArrayLike<number>, penalty: number): Float32Array {
  const changed = logits.slice();
  for (let i = 0; i < recentIds.length; i++) {
    const id = recentIds[i] ?? 0;
    const logit = logits[id] ?? 0;
    changed[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return changed;
}

/** Indexes of the fewest ids, heaviest first (ties: lower id), that reach `share` of the total; at least one. */
function topPIndexes({ weights, total }: Distribution, share: number): number[] {
  const needed = share * total;
  // Most of a vocabulary weighs nothing: sort the heavy ids only, and go down the tail as far as the sum needs.
  for (let floor = FIRST_TAIL_WEIGHT; ; floor = floor > LAST_TAIL_WEIGHT ? floor * TAIL_STEP : 0) {
    const heavy = indexesWhere(weights, (weight) => weight >= floor);
    heavy.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
    let reached = 0;
    for (let i = 0; i < heavy.length; i++) {
      reached += weights[heavy[i] ?? 0] ?? 0;
      if (reached >= needed) return heavy.slice(0, i + 1).sort((a, b) => a - b);
    }
    if (floor === 0) return heavy.sort((a, b) => a - b);
  }
}

function indexesWhere(weights: Float64Array, test: (weight: number) => boolean): number[] {
  const indexes: number[] = [];
  for (let i = 0; i < weights.length; i++) if (test(weights[i] ?? 0)) indexes.push(i);
  return indexes;
}

function keep(from: Distribution, indexes: readonly number[]): Distribution {
  const ids = Uint32Array.from(indexes, (i) => from.ids[i] ?? 0);
  const weights = Float64Array.from(indexes, (i) => from.weights[i] ?? 0);
  return { ids, weights, total: sum(weights) };
}

function sum(weights: Float64Array): number {
  let total = 0;
  for (const weight of weights) total += weight;
  return total;
}
