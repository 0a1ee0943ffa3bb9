/** Ids that a last stage samples from its rows, and the check of another's ids (SPEC A7), the same in Node and in a page. */
import { checkId } from '@ciro/core/audit/sampled-id.ts';
import { NO_ID } from '@ciro/core/commitment/unit-hashes.ts';
import { sample } from '@ciro/core/sampling/sample.ts';
import type { PlanSampler } from '@ciro/core/job/plan.ts';

/** The second half of every prompt is treated as the answer: each row from here on is sampled from. */
export const SAMPLED_FROM = 32;

/** Every second job is greedy, the others draw. */
export function samplerOf(prompt: number): PlanSampler {
  const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: prompt };
  return prompt % 2 === 0 ? greedy : { ...greedy, temperature: 0.8, topP: 0.95, repetitionPenalty: 1.1 };
}

/** The repetition penalty sees the answer before a position. */
const answerBefore = (promptIds: Uint32Array, position: number): Uint32Array => promptIds.subarray(SAMPLED_FROM, Math.max(SAMPLED_FROM, position));

/** The id that follows a position of a prompt. */
export function sampleAt(logits: Float32Array, prompt: number, promptIds: Uint32Array, position: number): number {
  const sampler = samplerOf(prompt);
  return sample(logits, sampler, sampler.seed, position, answerBefore(promptIds, position));
}

/** An id that is not what the checker's own logits give. */
export interface OtherId {
  readonly prompt: number;
  readonly position: number;
  readonly id: number;
  readonly gap: number;
  /** Within the tolerance: counted, not wrong. */
  readonly ambiguous: boolean;
}

/** Checks an id that someone else sampled; undefined when it is right, or when there is none. */
export function checkAt(logits: Float32Array, prompt: number, promptIds: Uint32Array, position: number, id: number, delta: number): OtherId | undefined {
  if (id === NO_ID) return undefined;
  const { state, gap } = checkId({ logits, sampler: samplerOf(prompt), position, id, recentIds: answerBefore(promptIds, position), delta });
  return state === 'right' ? undefined : { prompt, position, id, gap, ambiguous: state === 'ambiguous' };
}
