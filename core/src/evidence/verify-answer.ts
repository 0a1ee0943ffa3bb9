import * as v from 'valibot';
import { checkRest } from './check-answer.ts';
import { checkEscrow } from './check-escrow.ts';
import { checkEarlier } from './check-earlier.ts';
import { checkJob } from './check-job.ts';
import { checkRequest } from './check-request.ts';
import { checkSampledIds } from './check-sampled-ids.ts';
import { checkAnswerText, checkPromptText } from './check-text.ts';
import { EvidenceFile } from './evidence.ts';
import { jobFactsOf, partsOf } from './job-facts.ts';
import { recompute } from './recompute.ts';
import { asPart } from './report-part.ts';
import { failed, notChecked, ok, reportOf, wrong } from './report.ts';
import type { JobPorts } from './check-job.ts';
import type { TextPort } from './check-text.ts';
import type { JobFacts } from './job-facts.ts';
import type { RecomputePort } from './recompute.ts';
import type { Check, Report } from './report.ts';

/** What the checks need from outside. Only the signatures are a must; what is left out is reported as not checked. */
export interface VerifyPorts extends JobPorts {
  /** Text functions of the model's own file. */
  readonly text?: TextPort;
  /** Runs the model again. Asked only when nothing else is wrong: it takes minutes. */
  readonly recompute?: RecomputePort;
}

/** Evidence of one answer as the checks know it, or what is wrong with its form. */
export function parseEvidence(value: unknown): { readonly state: 'evidence'; readonly file: EvidenceFile } | { readonly state: 'malformed'; readonly check: Check } {
  const parsed = v.safeParse(EvidenceFile, value, { abortEarly: true });
  if (parsed.success) return { state: 'evidence', file: parsed.output };
  const [issue] = parsed.issues;
  const path = pathOf(issue);
  return { state: 'malformed', check: failed(FORM, wrong(path, issue.expected ?? 'another value', issue.received, issue.message)) };
}

const FORM = 'form';

/**
 * Checks the evidence of one answer, needing nothing from its coordinator (SPEC B4). Never throws for what is in it. Hashes,
 * leaves, roots, sums and verdicts are made again from what they cover; flags in the evidence are compared with that. About
 * 10 ms a stage and 3 ms a unit.
 *
 * @param value the parsed JSON of evidence, alone or as a client keeps it (`EvidenceFile`)
 */
export async function verifyAnswer(value: unknown, ports: VerifyPorts): Promise<Report> {
  const parsed = parseEvidence(value);
  if (parsed.state === 'malformed') return reportOf([parsed.check]);
  const { file } = parsed;
  const facts = jobFactsOf(file);
  const { text } = ports;
  const checks: Check[] = [ok(FORM, `evidence of job ${file.job}`)];
  checks.push(...(await checkJob(facts, ports, [checkRequest(facts), checkPromptText(facts, text), checkAnswerText(facts, text)])), ...checkRest(facts));
  checks.push(...(await checkEarlier(file, ports)), ...checkEscrow(file));
  checks.push(...(await checkComputation(file, ports.recompute, checks)));
  return reportOf(checks);
}

/** Every job whose ids are in the answer, the first one first; what follows from wrong rows is not computed again. */
async function checkComputation(file: EvidenceFile, port: RecomputePort | undefined, before: readonly Check[]): Promise<readonly Check[]> {
  const name = 'recomputation';
  if (port === undefined) return [notChecked(name, 'not asked for (--recompute)')];
  if (before.some(({ state }) => state === 'failed')) return [notChecked(name, 'something else is wrong')];
  const checks: Check[] = [];
  for (const part of partsOf(file)) {
    checks.push(...asPart(part, file, name, await recomputed(part.facts, port)));
    if (checks.some(({ state }) => state === 'failed')) return checks;
  }
  return [...checks, ...(await recomputed(jobFactsOf(file), port))];
}

async function recomputed(facts: JobFacts, port: RecomputePort): Promise<readonly Check[]> {
  const { checks, finalRows } = await recompute(facts, port);
  return finalRows === undefined ? checks : [...checks, await checkSampledIds(facts, finalRows, port)];
}

/** `stages[1].units[0].hints`. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)) ?? [];
  return keys.join('').replace(/^\./, '') || 'value';
}
