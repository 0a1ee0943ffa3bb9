import { exp } from '../numeric/exponential.ts';
import type { SamplerSettings } from '../sampling/sampler-settings.ts';

/** Share of the draw's range [0, 1) in which an id can be the one drawn, tolerance included; empty (from > to) when in none. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

const NOWHERE: Interval = { from: 1, to: 0 };
/** Rounding of sums over a vocabulary of 2^18 weights, far below any draw that matters. */
const ROUNDING = 1e-9;

/**
 * Where the draw may lie for `id` to be the sampled one under some logits whose differences are within `reach` of `scores` (SPEC
 * A7). Such logits change the odds of lying below an edge of an interval by at most e^(reach / temperature), and the edge so by at
 * most epsilon = reach / (4 temperature) (the logistic curve's steepest slope is 1/4). Where top-k, top-p or min-p cut, an id may
 * be in under some of them and out under others: each edge is taken with those in that move it furthest.
 */
export function tolerantInterval(scores: Float32Array, settings: SamplerSettings, id: number, reach: number): Interval {
  const score = scores[id];
  if (score === undefined || !Number.isFinite(score)) return NOWHERE;
  const epsilon = reach / (4 * settings.temperature) + ROUNDING;
  const kept = keptIds(scores, settings, reach, epsilon);
  if (!(score >= kept.possibleFrom)) return NOWHERE;
  const most = kept.most;
  // Index 0: sums over ids that are kept for sure; 1: over all that may be.
  const below = [0, 0];
  const above = [0, 0];
  for (let other = 0; other < scores.length; other++) {
    const each = scores[other] as number;
    if (other === id || !(each >= kept.possibleFrom)) continue;
    const weight = exp((each - most) / settings.temperature);
    const side = other < id ? below : above;
    side[1] = (side[1] as number) + weight;
    if (each > kept.sureAbove) side[0] = (side[0] as number) + weight;
  }
  const own = exp((score - most) / settings.temperature);
  const [belowSure = 0, belowAll = 0] = below;
  const [aboveSure = 0, aboveAll = 0] = above;
  return { from: belowSure / (belowSure + own + aboveAll) - epsilon, to: (belowAll + own) / (belowAll + own + aboveSure) + epsilon };
}

/** Logits at or above `possibleFrom` may be kept, those above `sureAbove` are: all three cuts keep the larger logits. */
function keptIds(scores: Float32Array, settings: SamplerSettings, reach: number, epsilon: number): { possibleFrom: number; sureAbove: number; most: number } {
  const order = scores.slice().sort().reverse();
  const most = order[0] as number;
  const { temperature, topK, topP, minP } = settings;
  let possibleFrom = -Infinity;
  let sureAbove = -Infinity;
  const cut = (possible: number, sure: number): void => {
    possibleFrom = Math.max(possibleFrom, possible);
    sureAbove = Math.max(sureAbove, sure);
  };
  // Kept for sure: even `reach` lower, larger than the first that is cut. Possibly: `reach` higher, as large as the last that is kept.
  if (topK > 0 && topK < order.length) cut((order[topK - 1] as number) - reach, (order[topK] as number) + reach);
  const weightOf = (logit: number): number => exp((logit - most) / temperature);
  if (topP < 1) {
    const sums = new Float64Array(order.length + 1);
    for (let i = 0; i < order.length; i++) sums[i + 1] = (sums[i] as number) + weightOf(order[i] as number);
    /** Weight of all ids above a logit. */
    const heavier = (logit: number): number => sums[countAbove(order, logit)] as number;
    let count = countAbove(order, possibleFrom);
    while (order[count] === possibleFrom) count++;
    const all = sums[count] as number;
    const least = Math.min(all, heavier(sureAbove));
    // An id is kept while the heavier ones do not yet reach top-p. The share is least with the largest total, and the other way round.
    let at = 0;
    while (at < order.length && heavier((order[at] as number) + reach) / all - epsilon < topP) at++;
    const possible = order[at - 1] ?? most;
    at = 0;
    while (at < order.length && heavier((order[at] as number) - reach) / least + epsilon < topP) at++;
    cut(possible, order[at] ?? -Infinity);
  }
  if (minP > 0) {
    let at = 0;
    while (at < order.length && weightOf((order[at] as number) + reach) >= minP) at++;
    const possible = order[at - 1] ?? most;
    at = 0;
    while (at < order.length && weightOf((order[at] as number) - reach) >= minP) at++;
    cut(possible, order[at] ?? -Infinity);
  }
  return { possibleFrom, sureAbove, most };
}

/** Of logits in falling order, how many are above `logit`. */
function countAbove(order: Float32Array, logit: number): number {
  let from = 0;
  let to = order.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((order[middle] as number) > logit) from = middle + 1;
    else to = middle;
  }
  return from;
}
