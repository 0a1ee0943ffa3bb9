import * as v from 'valibot';
import { checkAnswer } from './check-answer.ts';
import { checkAudits, checkDrawOf, checkOutcome } from './check-audits.ts';
import { checkChain } from './check-chain.ts';
import { checkCorrections } from './check-corrections.ts';
import { checkDisagreements } from './check-disagreements.ts';
import { checkEntry, checkPrice } from './check-ledger.ts';
import { checkModel } from './check-model.ts';
import { checkCoordinator, checkPlan, checkPrompt, checkStages } from './check-plan.ts';
import { checkAcknowledgements, checkReceipts } from './check-receipts.ts';
import { checkRequest } from './check-request.ts';
import { checkSampledIds } from './check-sampled-ids.ts';
import { checkAnswerText, checkPromptText } from './check-text.ts';
import { checkRoot, checkUnits } from './check-units.ts';
import { EvidenceFile } from './evidence.ts';
import { jobFactsOf } from './job-facts.ts';
import { recompute } from './recompute.ts';
import { failed, notChecked, ok, reportOf, wrong } from './report.ts';
import type { VerifySignature } from '../audit/problem.ts';
import type { TextPort } from './check-text.ts';
import type { JobFacts } from './job-facts.ts';
import type { RecomputePort } from './recompute.ts';
import type { Check, Report } from './report.ts';

/** What the checks need from outside. Only the first is a must; what is left out is reported as not checked. */
export interface VerifyPorts {
  /** P-256 ECDSA over SHA-256. */
  readonly verifySignature: VerifySignature;
  /** The coordinator's public key as the reader knows it. */
  readonly coordinatorKey?: string;
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
  const { verifySignature: verify, coordinatorKey, text } = ports;
  const checks: Check[] = [ok(FORM, `evidence of job ${file.job}`), checkModel(facts), checkPlan(facts), await checkCoordinator(facts, verify, coordinatorKey)];
  // Everything that follows takes stages and keys from the plan: of another list of stages it would only repeat what is said here.
  const stages = checkStages(facts);
  checks.push(stages);
  if (stages.state === 'failed') return reportOf(checks);
  checks.push(checkPrompt(facts), checkAnswer(facts));
  for (const [index, stage] of facts.evidence.stages.entries()) {
    checks.push(checkUnits(facts, stage, index), await checkReceipts(facts, stage, index, verify), await checkAcknowledgements(facts, stage, index, verify), checkRoot(facts, stage, index));
  }
  checks.push(checkChain(facts), checkDisagreements(facts));
  // Text after what is signed: of ids and text that differ, the signatures say which are wrong.
  checks.push(checkRequest(facts), checkPromptText(facts, text), checkAnswerText(facts, text));
  checks.push(await checkDrawOf(facts, verify), ...(await checkAudits(facts, verify)), checkOutcome(facts), checkPrice(facts), checkEntry(facts));
  checks.push(await checkCorrections(facts.evidence, file.superseded ?? [], verify, coordinatorKey));
  checks.push(...(await checkComputation(facts, ports.recompute, checks)));
  return reportOf(checks);
}

async function checkComputation(facts: JobFacts, port: RecomputePort | undefined, before: readonly Check[]): Promise<readonly Check[]> {
  const name = 'recomputation';
  if (port === undefined) return [notChecked(name, 'not asked for (--recompute)')];
  if (before.some(({ state }) => state === 'failed')) return [notChecked(name, 'something else is wrong')];
  const { checks, finalRows } = await recompute(facts, port);
  return finalRows === undefined ? checks : [...checks, await checkSampledIds(facts, finalRows, port)];
}

/** `stages[1].units[0].hints`. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)) ?? [];
  return keys.join('').replace(/^\./, '') || 'value';
}
