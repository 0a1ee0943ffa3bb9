import { setImmediate as nextTurn } from 'node:timers/promises';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { NO_ID } from '@ciro/core/commitment/unit-committer.ts';
import { verifyJobRoot } from '@ciro/core/identity/identity.ts';
import { merkleRoot } from '@ciro/core/merkle/poseidon-tree.ts';
import { acknowledgementBytes, disagreementBytes, receiptBytes, receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { JobPlan, SignedPlan } from '@ciro/core/job/plan.ts';
import type { HexHash, NodeId } from '@ciro/core/ids.ts';
import type { Acknowledgement } from '@ciro/core/receipt/receipt.ts';
import { verifySignature } from '../keys/verify-signature.ts';
import { idsHash } from './build-plan.ts';
import type { CoordinatorKey } from '../keys/coordinator-key.ts';
import type { WorkerIdentity } from '../sessions/worker.ts';
import type { JobEvidence, RootMessage, UnitMessage } from './job-evidence.ts';
import type { JobRecord, StageRecord, UnitRecord } from './job-order.ts';

export interface RecordInput {
  readonly signed: SignedPlan;
  readonly planHash: HexHash;
  readonly coordinatorNonce: string;
  readonly promptIds: Uint32Array;
  /** Ids given out, and those sampled beyond a stop. */
  readonly generated: readonly number[];
  readonly surplus: readonly number[];
  readonly acceptedTo: number;
  readonly finish: JobRecord['finish'];
  readonly pace: { readonly ttftMs: number; readonly tokensPerSecond: number };
  readonly evidence: JobEvidence;
  /** Identities of the stages' workers as they were when the plan was made. */
  readonly workers: readonly WorkerIdentity[];
  readonly links: readonly StageRecord['link'][];
}

/** Evidence that does not hold: its sender is scored. */
export interface Forgery {
  readonly worker: NodeId;
  readonly what: string;
}

/**
 * Checks every signature, leaf and root of a job and writes its record. About 1 ms a unit and stage, mostly Poseidon; other
 * work of the process goes on between stages. A unit counts as paid up to `acceptedTo` when its receipt and its neighbour's
 * acknowledgement both hold (PROTOCOL 3).
 */
export async function buildRecord(input: RecordInput, key: CoordinatorKey): Promise<{ readonly record: JobRecord; readonly forgeries: readonly Forgery[] }> {
  const { signed, planHash, evidence } = input;
  const forgeries: Forgery[] = [];
  const stages: StageRecord[] = [];
  for (const [stage, { worker, layers }] of signed.plan.stages.entries()) {
    const collected = evidence.stages[stage];
    const units: UnitRecord[] = [];
    for (const [, { message, hash }] of [...(collected?.units ?? [])].sort(([a], [b]) => a - b)) units.push(await checkUnit(input, stage, message, hash, key, forgeries));
    const link = input.links[stage] ?? 'unknown';
    const root = collected?.root;
    const rootHolds = root !== undefined && checkRoot(input, stage, root, units, forgeries);
    stages.push({
      worker,
      layers,
      link,
      units,
      paidPositions: units.reduce((sum, unit) => sum + paidPositions(unit, input.acceptedTo), 0),
      ...(rootHolds ? { root: { root: root.root, signature: root.signature, salts: root.salts }, stats: root.stats } : {}),
    });
    await nextTurn();
  }
  const disagreements = await checkDisagreements(input, forgeries);
  const { coordinatorNonce, generated, surplus, finish, pace } = input;
  const record = { signed, planHash, coordinatorNonce, promptIds: [...input.promptIds], tokenIds: [...generated], surplusIds: [...surplus], finish, stages, disagreements, ...pace };
  return { record, forgeries };
}

function paidPositions({ receipt, receiptValid, acknowledgementValid }: UnitRecord, acceptedTo: number): number {
  return receiptValid && acknowledgementValid === true ? Math.max(0, Math.min(receipt.body.to, acceptedTo) - receipt.body.from) : 0;
}

async function checkUnit(input: RecordInput, stage: number, message: UnitMessage, hash: HexHash, key: CoordinatorKey, forgeries: Forgery[]): Promise<UnitRecord> {
  const { plan } = input.signed;
  const { receipt, canonHash, hintHash, hints } = message;
  const at = plan.stages[stage] as JobPlan['stages'][number];
  const signatureHolds = await verifySignature(at.devicePublicKey, receiptBytes(receipt.body), receipt.signature);
  if (!signatureHolds) forgeries.push({ worker: at.worker, what: `the receipt of unit ${receipt.body.unit} is not signed by the device key in the plan` });
  const linkHolds = stage === plan.stages.length - 1 ? receipt.body.linkHash === sampledHash(input, receipt.body.from, receipt.body.to) : receipt.body.linkHash === receipt.body.payloadHash;
  const receiptValid = signatureHolds && linkHolds;
  const unit = { receipt, receiptValid, canonHash, hintHash, hintBytes: Buffer.byteLength(hints, 'base64'), hints };
  const acknowledgement = plan.stages.length === 1 ? await ownWord(receiptValid, hash, key) : input.evidence.acknowledgementOf(stage, hash);
  if (acknowledgement === undefined) return unit;
  const next = plan.stages[(stage + 1) % plan.stages.length] as JobPlan['stages'][number];
  const signerKey = acknowledgement.signer === 'coordinator' ? key.publicKey : next.devicePublicKey;
  const acknowledgementValid = await verifySignature(signerKey, acknowledgementBytes(hash, acknowledgement.signer), acknowledgement.signature);
  if (!acknowledgementValid) forgeries.push({ worker: next.worker, what: `the acknowledgement of unit ${receipt.body.unit} of stage ${stage} is not signed by the device key in the plan` });
  return { ...unit, acknowledgement, acknowledgementValid };
}

/** With one stage there is no neighbour: the coordinator, which was given the ids, says whether the receipt names them. */
async function ownWord(receiptValid: boolean, hash: HexHash, key: CoordinatorKey): Promise<Acknowledgement | undefined> {
  return receiptValid ? { receiptHash: hash, signer: 'coordinator', signature: await key.sign(acknowledgementBytes(hash, 'coordinator')) } : undefined;
}

/** Hash of the ids that the coordinator was given for positions `[from, to)`; undefined where it was given none. */
function sampledHash({ signed, generated, surplus }: RecordInput, from: number, to: number): HexHash | undefined {
  const first = signed.plan.promptTokens - 1;
  const known = [...generated, ...surplus];
  const ids = Array.from({ length: to - from }, (_, offset) => (from + offset < first ? NO_ID : known[from + offset - first]));
  return ids.some((id) => id === undefined) ? undefined : idsHash(ids.map((id) => id ?? NO_ID));
}

/** A disagreement counts when it is signed by the neighbour and names a receipt that the stage did sign. */
async function checkDisagreements({ signed, evidence }: RecordInput, forgeries: Forgery[]): Promise<JobRecord['disagreements']> {
  const { stages } = signed.plan;
  const held: JobRecord['disagreements'][number][] = [];
  for (const { stage, unit, by, message } of evidence.disagreements) {
    const { receipt, linkHash, signature } = message;
    const accuser = stages[(stage + 1) % stages.length];
    const accused = stages[stage];
    if (accuser === undefined || accused === undefined) continue;
    const holds = (await verifySignature(accuser.devicePublicKey, disagreementBytes(receiptHash(receipt.body), by, linkHash), signature)) && (await verifySignature(accused.devicePublicKey, receiptBytes(receipt.body), receipt.signature));
    if (holds) held.push({ stage, unit, by });
    else forgeries.push({ worker: by, what: `the disagreement with unit ${unit} of stage ${stage} is not signed, or is with a receipt that nobody signed` });
  }
  return held;
}

/** The root must be that of the leaves of exactly the units that were reported, signed by the identity. */
function checkRoot(input: RecordInput, stage: number, message: RootMessage, units: readonly UnitRecord[], forgeries: Forgery[]): boolean {
  const { plan } = input.signed;
  const worker = input.workers[stage] as WorkerIdentity;
  const root = { network: plan.network, job: plan.job, planHash: input.planHash, stage, root: message.root };
  if (!verifyJobRoot(root, message.signature, worker.identityPublicKey)) {
    forgeries.push({ worker: worker.nodeId, what: `the root of stage ${stage} is not signed by the identity` });
    return false;
  }
  // A unit that was lost on the way is no forgery, but such a root cannot be checked.
  if (message.salts.length !== units.length) return false;
  const context = { network: plan.network, worker: worker.nodeId, job: plan.job, planHash: input.planHash, stage, modelId: plan.modelId, precision: plan.precision };
  const leaves = units.map(({ receipt: { body }, canonHash, hintHash }, index) => leafHash(context, { ...hashesOf(body), canonHash, hintHash }, message.salts[index] ?? ''));
  const holds = merkleRoot(leaves) === message.root;
  if (!holds) forgeries.push({ worker: worker.nodeId, what: `the root of stage ${stage} is not that of its units` });
  return holds;
}

const hashesOf = ({ unit, from, to, inputHash, payloadHash, linkHash }: UnitMessage['receipt']['body']) => ({ unit, from, to, inputHash, payloadHash, linkHash });
