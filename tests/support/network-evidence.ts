import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '@ciro/core/bytes.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-committer.ts';
import { verifyJobRoot } from '@ciro/core/identity/identity.ts';
import { planBytes, planHashOf, reusedPositions } from '@ciro/core/job/plan.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { acknowledgementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import { verifySignature } from '../../signaling/src/keys/verify-signature.ts';
import type { Evidence, EvidenceStage, EvidenceUnit } from '@ciro/core/evidence/evidence.ts';

const hashOfIds = (ids: readonly number[]): string => toHex(sha256(new Uint8Array(Uint32Array.from(ids).buffer)));

/**
 * Everything that is wrong with the evidence of a finished job, in words; empty when a third party would believe it. Nothing
 * is taken from the flags in it: signatures, hashes, leaves, roots and sums are made anew from what they cover. `lost`: the stage
 * whose tab left in the middle (SPEC G2). It has posted no root and is not paid; what it had signed before must hold all the same,
 * and the last units of the stage before are without its word.
 */
export async function faultsOf(evidence: Evidence, lost?: number): Promise<string[]> {
  const { plan, stages, ledger } = evidence;
  const faults: string[] = [];
  const demand = (holds: boolean, what: string): void => void (holds || faults.push(what));

  demand(planHashOf(plan.signed.plan) === plan.hash, 'the plan hash is of another plan');
  demand(await verifySignature(plan.coordinator_public_key, planBytes(plan.signed.plan), plan.signed.signature), 'the plan is not signed by the coordinator');
  demand(toHex(sha256(Buffer.from(plan.coordinator_nonce, 'hex'))) === plan.signed.plan.nonces.coordinator, 'the nonce does not open its commitment');
  demand(hashOfIds(evidence.prompt_ids) === plan.signed.plan.promptHash, 'the prompt ids are others than planned');
  demand(stages.every(({ layers }, at) => layers[0] === (stages[at - 1]?.layers[1] ?? 0)) && stages.at(-1)?.layers[1] === evidence.model.architecture.layers, 'the stages do not cover the layers');
  demand(evidence.disagreements.length === 0, 'stages disagree');
  const credits = ledger.credits.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  demand(BigInt(ledger.debit) === BigInt(ledger.fee) + credits && BigInt(ledger.debit) > 0n, `debit ${ledger.debit} is not fee ${ledger.fee} + credits ${credits}`);
  demand(ledger.credits.every(({ worker, amount }, at) => worker === stages[at]?.worker && (at === lost || BigInt(amount) > 0n)), 'a stage has no credit');
  for (const [at, stage] of stages.entries()) for (const fault of await faultsOfStage(evidence, stage, at, lost)) faults.push(`stage ${at}: ${fault}`);
  return faults;
}

async function faultsOfStage(evidence: Evidence, stage: EvidenceStage, at: number, lost: number | undefined): Promise<string[]> {
  const { stages, plan, prompt_ids: promptIds, token_ids: tokenIds, surplus_ids: surplusIds } = evidence;
  const faults: string[] = [];
  const demand = (holds: boolean, what: string): void => void (holds || faults.push(what));
  // The last id is sampled and never fed back.
  const positions = promptIds.length + tokenIds.length - 1;
  // Where an answer ended in the middle, some stages may have closed a unit beyond its last id before they heard of it.
  const most = positions + surplusIds.length;
  const fed = [...promptIds, ...tokenIds, ...surplusIds];
  const sampled = fed.slice(1).map((id, position) => (position < promptIds.length - 1 ? NO_ID : id));
  const isLast = at === stages.length - 1;
  const next = stages[(at + 1) % stages.length];
  const isLost = at === lost;
  const beforeLost = (at + 1) % stages.length === lost;
  // What an earlier job computed is in its own evidence (SPEC V2).
  const reused = reusedPositions(plan.signed.plan);
  const firstUnit = reused / UNIT_POSITIONS;
  const due = positions - reused;
  const covers = (stage.units.at(-1)?.to ?? 0) >= positions && firstUnit + stage.units.length <= Math.ceil(most / UNIT_POSITIONS);

  demand(isLost || covers, `${stage.units.length} units for ${positions} positions`);
  demand(isLost || beforeLost ? stage.paid_positions <= due : stage.paid_positions === due, `${stage.paid_positions} of ${due} positions are paid`);
  for (const [index, unit] of stage.units.entries()) {
    const { from, to } = unit;
    const say = (what: string): string => `unit ${index}: ${what}`;
    const end = from + UNIT_POSITIONS;
    demand(from === reused + index * UNIT_POSITIONS && to >= Math.min(end, positions) && to <= Math.min(end, most), say(`covers [${from}, ${to})`));
    const passedOn = stages[at - 1]?.units[index];
    if (at === 0) demand(unit.input_sha256 === hashOfIds(fed.slice(from, to)), say('its input is not the ids'));
    else if (passedOn === undefined) demand(at - 1 === lost, say('its input is not known'));
    else if (passedOn.to === to) demand(unit.input_sha256 === passedOn.payload_sha256, say('its input is not what the stage before passed on'));
    demand(unit.link_sha256 === (isLast ? hashOfIds(sampled.slice(from, to)) : unit.payload_sha256), say('its link hash is not of what it passed on'));
    for (const fault of await faultsOfReceipts(evidence, stage, next, at, unit, firstUnit + index)) {
      if (fault !== NO_WORD || !(isLost || beforeLost)) faults.push(say(fault));
    }
  }
  if (isLost) return stage.root === null ? faults : [...faults, 'it was lost, and there is a root of it'];

  const leaves = stage.units.map((unit, index) => leafOf(evidence, stage, at, unit, firstUnit + index));
  demand(stage.root !== null && merkleRoot(leaves) === stage.root.root, 'its root is not that of its units');
  const root = { network: evidence.network, job: evidence.job, planHash: plan.hash, stage: at, root: stage.root?.root ?? '' };
  demand(verifyJobRoot(root, stage.root?.signature ?? '', stage.identity_public_key ?? ''), 'its root is not signed by its identity');
  return faults;
}

const NO_WORD = 'has no acknowledgement';

async function faultsOfReceipts(evidence: Evidence, stage: EvidenceStage, next: EvidenceStage | undefined, at: number, unit: EvidenceUnit, index: number): Promise<string[]> {
  const faults: string[] = [];
  const own = stage.receipts.find((each) => each.kind === 'receipt' && each.unit === index);
  if (own?.kind !== 'receipt') return ['has no receipt'];
  const { body, signature } = own.receipt;
  const told = [evidence.network, evidence.job, evidence.plan.hash, at, stage.worker, index, unit.from, unit.to, unit.input_sha256, unit.payload_sha256, unit.link_sha256];
  const signed = [body.network, body.job, body.planHash, body.stage, body.worker, body.unit, body.from, body.to, body.inputHash, body.payloadHash, body.linkHash];
  if (told.join() !== signed.join()) faults.push('its receipt says something else');
  if (!(own.valid && (await verifySignature(stage.device_public_key, receiptBytes(body), signature)))) faults.push('its receipt is not signed by the stage');

  const word = stage.receipts.find((each) => each.kind === 'acknowledgement' && each.unit === index);
  if (word?.kind !== 'acknowledgement') return [...faults, NO_WORD];
  const { receiptHash: about, signer, signature: wordSignature } = word.acknowledgement;
  const alone = evidence.stages.length === 1;
  if (about !== receiptHash(body) || signer !== (alone ? 'coordinator' : next?.worker)) faults.push('its acknowledgement is of another receipt or by somebody else');
  const key = alone ? evidence.plan.coordinator_public_key : (next?.device_public_key ?? '');
  if (!(word.valid && (await verifySignature(key, acknowledgementBytes(about, signer), wordSignature)))) faults.push('its acknowledgement is not signed by the neighbour');
  return faults;
}

function leafOf({ network, plan }: Evidence, { worker }: EvidenceStage, at: number, unit: EvidenceUnit, index: number): string {
  const { job, modelId, precision } = plan.signed.plan;
  const context = { network, worker: worker as typeof plan.signed.plan.stages[number]['worker'], job, planHash: plan.hash, stage: at, modelId, precision };
  const hashes = { unit: index, from: unit.from, to: unit.to, inputHash: unit.input_sha256, payloadHash: unit.payload_sha256, canonHash: unit.canonical_sha256, hintHash: unit.hint_sha256, linkHash: unit.link_sha256 };
  return leafHash(context, hashes, unit.salt ?? '');
}
