import { canonicalJson } from '../canonical-json.ts';
import { differs } from './report.ts';
import type { JobPlan } from '../job/plan.ts';
import type { Evidence } from './evidence.ts';
import type { WrongElement } from './report.ts';

/** Two jobs of one answer, the second of which does the first one again or goes on from it. */
export interface Link {
  readonly job: Evidence;
  readonly next: Evidence;
  /** Path of the first, without a dot at its end; and of the second, with one, or nothing for the last job of the file. */
  readonly at: string;
  readonly nextAt: string;
}

/**
 * The next job is the same request from a later position on: what is left of the length, at the same rates (but `promptToken`, in
 * base units), with no nonce of the requester's: that was for the first job's draw.
 */
export function sameRequestOf({ job, next, nextAt }: Link, promptToken: string): WrongElement | undefined {
  const [before, after] = [job.plan.signed.plan, next.plan.signed.plan];
  const planAt = `${nextAt}plan.signed.plan`;
  const same = (field: 'modelId' | 'sampler' | 'stopIds', why: string): WrongElement | undefined => differs(`${planAt}.${field}`, textOf(before[field]), textOf(after[field]), why);
  const rate = (field: keyof JobPlan['quote'], expected: string): WrongElement | undefined => differs(`${planAt}.quote.${field}`, expected, after.quote[field], 'rates of the job before');
  return (
    same('modelId', 'model of the job before') ??
    same('sampler', 'sampler of the job before') ??
    same('stopIds', 'stop ids of the job before') ??
    differs(`${planAt}.maxTokens`, before.maxTokens + before.promptTokens - after.promptTokens, after.maxTokens, 'length that is left') ??
    rate('promptToken', promptToken) ??
    rate('generatedToken', before.quote.generatedToken) ??
    rate('feeBasisPoints', before.quote.feeBasisPoints) ??
    differs(`${planAt}.nonces.requester`, null, after.nonces.requester, 'the requester\'s nonce is for the first job') ??
    differs(`${nextAt}assurance`, job.assurance, next.assurance, 'assurance of the job before') ??
    (job.template === null || next.template === null ? undefined : differs(`${nextAt}template`, job.template, next.template, 'template of the job before'))
  );
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : canonicalJson(value));

/** Where the prompt ids of the next job leave those of the job and its answer; -1 when they do not. */
export function leavesAt({ job, next }: Link): number {
  const expected = [...job.prompt_ids, ...job.token_ids];
  return next.prompt_ids.findIndex((id, index) => id !== expected[index]);
}
