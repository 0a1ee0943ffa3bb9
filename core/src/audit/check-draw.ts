import { planHashOf } from '../job/plan.ts';
import { AUDIT_DRAW, auditDraw, beaconOf, cutOf, nonceBytesToSign, nonceCommitment, rootsHashOf } from './audit-draw.ts';
import { Problems } from './problem.ts';
import type { HexHash } from '../ids.ts';
import type { JobPlan } from '../job/plan.ts';
import type { AuditProblem, VerifySignature } from './problem.ts';
import type { AuditDraw } from './transcript.ts';

/** What a draw has to follow from. */
export interface DrawContext {
  /** Signed by the coordinator; the caller has checked that. */
  readonly plan: JobPlan;
  /** Roots as the evidence has them, one a stage; left out, the draw's own list is taken. */
  readonly roots?: readonly (string | null)[];
  /** Units of each stage under this plan. */
  readonly units: readonly number[];
}

/**
 * Makes a draw again from the plan, the roots and the opened nonces (SPEC A1, A2) and gives what does not follow, first element
 * first; empty when everything does. A rate below 1 rests on the worker's record, which is not part of it.
 */
export async function checkDraw(draw: AuditDraw, { plan, roots, units }: DrawContext, verifySignature: VerifySignature): Promise<AuditProblem[]> {
  const problems = new Problems();
  const planHash = planHashOf(plan);
  const { stages } = plan;
  const counts = [['roots', draw.roots], ['workers', draw.workers], ['stages', draw.stages]] as const;
  for (const [name, list] of counts) if (!problems.compare(`${name}.length`, stages.length, list.length, 'one a stage of the plan')) return problems.found;
  if (!problems.compare('units.length', stages.length, units.length, 'one count a stage of the plan')) return problems.found;

  roots?.forEach((root, index) => problems.compare(`roots[${index}]`, root, draw.roots[index] ?? null, 'the root that the stage signed'));
  const rootsHash = rootsHashOf({ network: plan.network, job: plan.job, planHash, roots: draw.roots });
  problems.compare('rootsHash', rootsHash, draw.rootsHash, 'hash of the roots that were shown');
  problems.compare('coordinator', plan.nonces.coordinator, commitmentOf(draw.coordinator), 'the plan names the SHA-256 of the nonce');
  if (draw.requester !== null) problems.compare('requester', plan.nonces.requester, commitmentOf(draw.requester), 'the plan names the SHA-256 of the nonce');
  for (const [index, opened] of draw.workers.entries()) {
    const stage = stages[index];
    if (opened === null || stage === undefined) continue;
    if (!problems.compare(`workers[${index}].nonce`, stage.nonce, commitmentOf(opened.nonce), 'the plan names the SHA-256 of the nonce')) continue;
    const signed = await verifySignature(stage.devicePublicKey, nonceBytesToSign({ network: plan.network, job: plan.job, planHash, rootsHash, nonce: opened.nonce }), opened.signature);
    problems.demand(signed, `workers[${index}].signature`, 'signature of the stage\'s device key over these roots and this nonce', opened.signature, 'the worker was shown another list of roots, or did not open this nonce');
  }
  const beacon = beaconOf({ planHash, rootsHash, coordinator: draw.coordinator, requester: draw.requester, workers: draw.workers.map((opened) => opened?.nonce ?? null) });
  problems.compare('beacon', beacon, draw.beacon, 'hash of roots and nonces');
  draw.stages.forEach((stage, index) => checkStage(problems, stage, { beacon, index, units: units[index] ?? 0, opened: draw.workers[index] !== null }));
  return problems.found;
}

/** A nonce's commitment; the text itself when it is no hex, which no commitment equals. */
function commitmentOf(nonce: string): string {
  return /^(?:[0-9a-f]{2})+$/.test(nonce) ? nonceCommitment(nonce) : nonce;
}

function checkStage(problems: Problems, stage: AuditDraw['stages'][number], { beacon, index, units, opened }: { beacon: HexHash; index: number; units: number; opened: boolean }): void {
  const at = `stages[${index}]`;
  problems.compare(`${at}.draw`, auditDraw(beacon, index, AUDIT_DRAW), stage.draw, 'draw 0 of the beacon');
  if (units === 0) {
    problems.compare(`${at}.units`, 0, stage.units, 'a stage without units');
  } else if (stage.reason === null || stage.reason === 'drawn') {
    problems.demand(opened, `${at}.reason`, 'unrevealed', stage.reason, 'a worker that did not open its nonce is audited in full');
    problems.demand(stage.rate < 1, `${at}.reason`, 'newcomer', stage.reason, 'at a rate of 1 every unit is looked at');
    problems.compare(`${at}.reason`, stage.draw < stage.rate ? 'drawn' : null, stage.reason, `draw ${stage.draw} against a rate of ${stage.rate}`);
    problems.compare(`${at}.units`, stage.reason === null ? 0 : cutOf(beacon, index, units), stage.units, 'cut of draw 1');
  } else {
    problems.compare(`${at}.units`, units, stage.units, `${stage.reason}: audited in full`);
    problems.compare(`${at}.rate`, 1, stage.rate, 'the rate of a stage that is audited in full');
    if (stage.reason === 'unrevealed') problems.demand(!opened, `${at}.reason`, 'another reason', stage.reason, 'the nonce was opened');
  }
}
