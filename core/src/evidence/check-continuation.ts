import { leavesAt, sameRequestOf } from './check-link.ts';
import { differs, wrong } from './report.ts';
import type { Link } from './check-link.ts';
import type { Evidence } from './evidence.ts';
import type { WrongElement } from './report.ts';

/**
 * The next job rightly goes on from this one: a stage of it was lost, nobody does it again, and the next job takes all its ids as a
 * prompt that costs nothing, and is the same request otherwise (SPEC G2, M9).
 */
export function continuationOf(link: Link): WrongElement | undefined {
  const { job, next, at, nextAt } = link;
  return (
    differs(`${at}.finish_reason`, 'moved', job.finish_reason, `job ${next.job} goes on from it`) ??
    differs(`${at}.continued_by`, next.job, job.continued_by, 'the next job') ??
    differs(`${at}.corrected_by`, null, job.corrected_by, 'the answer is gone on with from a job that is done again') ??
    differs(`${nextAt}continues`, job.job, next.continues, 'the job before') ??
    differs(`${nextAt}corrects`, null, next.corrects, 'the next job goes on from the one before') ??
    sameRequestOf(link, '0') ??
    differs(`${nextAt}plan.signed.plan.sampler.repetitionPenalty`, 1, next.plan.signed.plan.sampler.repetitionPenalty, 'a penalty is over the ids of one plan, so that nothing goes on with another') ??
    allOf(link)
  );
}

/** The prompt and every id so far. The plan signs those of the next job; where no stage signed the id before, that one is named. */
function allOf(link: Link): WrongElement | undefined {
  const { job, next, at, nextAt } = link;
  const prompt = job.prompt_ids.length;
  const ids = [...job.prompt_ids, ...job.token_ids];
  const first = leavesAt(link);
  if (first >= prompt && first < ids.length && first > signedTo(job)) return wrong(`${at}.token_ids[${first - prompt}]`, next.prompt_ids[first], ids[first], 'prompt ids of the next job, which its plan signs');
  if (first >= 0) return wrong(`${nextAt}prompt_ids[${first}]`, ids[first] ?? 'no more ids', next.prompt_ids[first], 'ids of the job before');
  return differs(`${nextAt}prompt_ids`, ids.length, next.prompt_ids.length, 'the prompt and all ids of the job before');
}

/** Index of the last id that the first stage was given or the last one gave, by the units that they signed. */
function signedTo({ stages }: Evidence): number {
  const end = (stage: number): number => stages.at(stage)?.units.at(-1)?.to ?? 0;
  return Math.max(end(0) - 1, end(-1));
}
