import { canonicalJson } from '../canonical-json.ts';
import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { checkAudits, checkDrawOf } from './check-audits.ts';
import { checkCoordinator, checkPlan, checkPrompt } from './check-plan.ts';
import { factsOf } from './job-facts.ts';
import { checkOf, differs, failed, notChecked, wrong } from './report.ts';
import type { VerifySignature } from '../audit/problem.ts';
import type { Evidence } from './evidence.ts';
import type { Check, WrongElement } from './report.ts';

/**
 * Each earlier job of the answer was rightly done again: a stage of it did not stand its audit, which its own transcript shows, the
 * next job keeps only ids from before that, on other workers, and is the same request otherwise (SPEC M7, PROTOCOL 7).
 */
export async function checkCorrections(evidence: Evidence, superseded: readonly Evidence[], verify: VerifySignature, pinned: string | undefined): Promise<Check> {
  const name = 'corrections';
  if (superseded.length === 0) {
    return evidence.corrects === null ? checkOf(name, undefined, 'the answer was not done again from another job') : notChecked(name, `the evidence of job ${evidence.corrects}, which this one does again, is not in the file`);
  }
  const jobs = [...superseded, evidence];
  for (const [index, job] of superseded.entries()) {
    const at = `superseded[${index}]`;
    const facts = factsOf(job);
    const own = [checkPlan(facts), await checkCoordinator(facts, verify, pinned), checkPrompt(facts), await checkDrawOf(facts, verify), ...(await checkAudits(facts, verify))].find((check) => check.state === 'failed');
    if (own !== undefined) return failed(name, { ...own.wrong, at: `${at}.${own.wrong.at}` });
    const next = jobs[index + 1];
    const element = next === undefined ? undefined : linkOf(job, next, index === 0, at, index + 1 < superseded.length ? `superseded[${index + 1}].` : '');
    if (element !== undefined) return failed(name, element);
  }
  return checkOf(name, undefined, `${superseded.length} earlier ${superseded.length === 1 ? 'answer was' : 'answers were'} done again from the first bad unit on, by other workers`);
}

function linkOf(job: Evidence, next: Evidence, first: boolean, at: string, nextAt: string): WrongElement | undefined {
  const [before, after] = [job.plan.signed.plan, next.plan.signed.plan];
  const kept = after.promptTokens - before.promptTokens;
  return (
    (first ? differs(`${at}.corrects`, null, job.corrects, 'the job that was asked first') : undefined) ??
    differs(`${at}.corrected_by`, next.job, job.corrected_by, 'the next job') ??
    differs(`${nextAt}corrects`, job.job, next.corrects, 'the job before') ??
    differs(`${nextAt}plan.signed.plan.modelId`, before.modelId, after.modelId, 'model of the job before') ??
    differs(`${nextAt}plan.signed.plan.sampler`, canonicalJson(before.sampler), canonicalJson(after.sampler), 'sampler of the job before') ??
    differs(`${nextAt}plan.signed.plan.maxTokens`, before.maxTokens, after.maxTokens + kept, 'length that is left') ??
    keptOf(job, next, kept, nextAt) ??
    othersOf(job, next, nextAt)
  );
}

/** The prompt, and of the answer the ids that were drawn before the first bad unit. */
function keptOf(job: Evidence, next: Evidence, kept: number, nextAt: string): WrongElement | undefined {
  const expected = [...job.prompt_ids, ...job.token_ids].slice(0, next.prompt_ids.length);
  const at = next.prompt_ids.findIndex((id, index) => id !== expected[index]);
  if (at >= 0) return wrong(`${nextAt}prompt_ids[${at}]`, expected[at] ?? 'no more ids', next.prompt_ids[at], 'ids of the job before');
  const bad = badStages(job).flatMap((stage) => job.audits.find((each) => each.stage === stage)?.opinions.flatMap(({ verdict }) => verdict.first?.unit ?? []) ?? []);
  const good = Math.max(0, Math.max(0, ...bad) * UNIT_POSITIONS - (job.prompt_ids.length - 1));
  return kept >= 0 && kept <= good ? undefined : wrong(`${nextAt}prompt_ids`, `${job.prompt_ids.length} to ${job.prompt_ids.length + good} ids`, next.prompt_ids.length, 'ids that were drawn before the first bad unit');
}

function othersOf(job: Evidence, next: Evidence, nextAt: string): WrongElement | undefined {
  const bad = badStages(job);
  if (bad.length === 0) return wrong(`${nextAt}corrects`, 'null', next.corrects, 'every stage of that job stood its audit');
  const again = next.stages.findIndex(({ worker }) => bad.some((stage) => job.stages[stage]?.worker === worker));
  return again < 0 ? undefined : wrong(`${nextAt}stages[${again}].worker`, 'a worker that had not failed the answer', next.stages[again]?.worker, 'who does it again');
}

const badStages = ({ stages, assurance }: Evidence): number[] => stages.flatMap(({ audit_status: status }, index) => (status === 'failed' || (status === 'unpaid' && assurance === 'checked') ? [index] : []));
