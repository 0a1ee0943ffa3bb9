import { checkAnswer } from './check-answer.ts';
import { checkAudits, checkDrawOf, checkOutcome } from './check-audits.ts';
import { checkChain } from './check-chain.ts';
import { checkDisagreements } from './check-disagreements.ts';
import { checkEntry, checkPrice } from './check-ledger.ts';
import { checkModel } from './check-model.ts';
import { checkCoordinator, checkPlan, checkPrompt, checkStages } from './check-plan.ts';
import { checkPrefix } from './check-prefix.ts';
import { checkAcknowledgements, checkReceipts } from './check-receipts.ts';
import { checkRoot, checkUnits } from './check-units.ts';
import type { VerifySignature } from '../audit/problem.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check } from './report.ts';

/** What it takes to check a job's signatures. */
export interface JobPorts {
  /** P-256 ECDSA over SHA-256. */
  readonly verifySignature: VerifySignature;
  /** The coordinator's public key as the reader knows it. */
  readonly coordinatorKey?: string;
}

/**
 * Every check of one job whose ids are in the answer: its plan, what its stages committed to and signed, its audits and its money.
 * `texts` go in between, after what is signed: of ids and text that differ, the signatures say which are wrong.
 */
export async function checkJob(facts: JobFacts, { verifySignature: verify, coordinatorKey }: JobPorts, texts: readonly Check[]): Promise<Check[]> {
  const checks = [checkModel(facts), checkPlan(facts), await checkCoordinator(facts, verify, coordinatorKey)];
  // Everything that follows takes stages and keys from the plan: of another list of stages it would only repeat what is said here.
  const stages = checkStages(facts);
  checks.push(stages);
  if (stages.state === 'failed') return checks;
  checks.push(checkPrompt(facts), checkAnswer(facts), ...(await checkPrefix(facts, verify)));
  for (const [index, stage] of facts.evidence.stages.entries()) {
    checks.push(checkUnits(facts, stage, index), await checkReceipts(facts, stage, index, verify), await checkAcknowledgements(facts, stage, index, verify), checkRoot(facts, stage, index));
  }
  checks.push(checkChain(facts), checkDisagreements(facts), ...texts);
  checks.push(await checkDrawOf(facts, verify), ...(await checkAudits(facts, verify)), checkOutcome(facts), checkPrice(facts), checkEntry(facts));
  return checks;
}

/** Checks of the job on which a correction rests: that it was signed, drawn and audited as it says. */
export async function checkAudited(facts: JobFacts, { verifySignature: verify, coordinatorKey }: JobPorts): Promise<Check[]> {
  return [checkPlan(facts), await checkCoordinator(facts, verify, coordinatorKey), checkPrompt(facts), checkAnswer(facts), await checkDrawOf(facts, verify), ...(await checkAudits(facts, verify))];
}
