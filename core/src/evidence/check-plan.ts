import { planBytes } from '../job/plan.ts';
import { checkOf, differs, wrong } from './report.ts';
import { idsHash } from './job-facts.ts';
import type { VerifySignature } from '../audit/problem.ts';
import type { JobFacts } from './job-facts.ts';
import type { Check, WrongElement } from './report.ts';

/** The plan has the hash that everything else names, and the evidence is about its job. */
export function checkPlan({ evidence, plan, planHash }: JobFacts): Check {
  const element =
    differs('plan.hash', planHash, evidence.plan.hash, 'hash of the signed plan') ??
    differs('plan.version', plan.version, evidence.plan.version, 'version in the signed plan') ??
    differs('job', plan.job, evidence.job, 'job of the signed plan') ??
    differs('network', plan.network, evidence.network, 'network of the signed plan');
  return checkOf('plan', element, `plan ${planHash.slice(0, 16)}… version ${plan.version} of job ${plan.job}`);
}

/** The coordinator signed the plan, with the key that the reader pinned, if one was (SPEC P1). */
export async function checkCoordinator({ evidence, plan }: JobFacts, verify: VerifySignature, pinned: string | undefined): Promise<Check> {
  const key = evidence.plan.coordinator_public_key;
  const { signature } = evidence.plan.signed;
  let element: WrongElement | undefined = pinned === undefined ? undefined : differs('plan.coordinator_public_key', pinned, key, 'the coordinator key that was given');
  if (element === undefined && !(await verify(key, planBytes(plan), signature))) {
    element = wrong('plan.signed.signature', `a signature of the plan by ${key.slice(0, 20)}…`, signature, 'signature of the plan');
  }
  return checkOf('coordinator signature', element, pinned === undefined ? `by ${key.slice(0, 20)}…, the key in the evidence; none was pinned` : 'by the pinned key');
}

/** The stages are those of the plan and cover the model's layers (SPEC P1). */
export function checkStages({ evidence, plan }: JobFacts): Check {
  const { layers } = evidence.manifest.architecture;
  const element = ((): WrongElement | undefined => {
    const count = differs('stages', plan.stages.length, evidence.stages.length, 'number of stages in the signed plan');
    if (count !== undefined) return count;
    for (const [index, planned] of plan.stages.entries()) {
      const at = `stages[${index}]`;
      const stage = evidence.stages[index];
      if (stage === undefined) return wrong(at, planned.worker, 'nothing', 'stage of the signed plan');
      const found =
        differs(`${at}.worker`, planned.worker, stage.worker, 'worker in the signed plan') ??
        differs(`${at}.device_public_key`, planned.devicePublicKey, stage.device_public_key, 'device key in the signed plan') ??
        differs(`${at}.layers`, planned.layers.join(' to '), stage.layers.join(' to '), 'layers in the signed plan') ??
        differs(`${at}.nonce`, planned.nonce, stage.nonce, 'nonce commitment in the signed plan');
      if (found !== undefined) return found;
    }
    return differs(`stages[${plan.stages.length - 1}].layers`, layers, plan.stages.at(-1)?.layers[1] ?? 0, 'layers of the model, all of which the stages must cover');
  })();
  return checkOf('stages', element, `${plan.stages.length} stages cover layers 0 to ${layers - 1}`);
}

/** The prompt ids are those that the plan signs (SPEC P1, B4). */
export function checkPrompt({ evidence, plan }: JobFacts): Check {
  const element =
    differs('prompt_tokens', plan.promptTokens, evidence.prompt_tokens, 'prompt length in the signed plan') ??
    differs('prompt_ids', plan.promptTokens, evidence.prompt_ids.length, 'number of prompt ids in the signed plan') ??
    differs('prompt_ids', plan.promptHash, idsHash(evidence.prompt_ids), 'hash of the prompt ids against the signed plan');
  return checkOf('prompt ids', element, `${plan.promptTokens} ids have the hash in the signed plan`);
}
