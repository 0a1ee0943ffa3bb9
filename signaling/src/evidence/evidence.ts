import { toBase64 } from '@ciro/core/bytes.ts';
import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { AuditDraw, Transcript } from '@ciro/core/audit/transcript.ts';
import type { Evidence, EvidenceEscrow, EvidenceLedger, EvidenceReceipt, EvidenceStage, EvidenceUnit } from '@ciro/core/evidence/evidence.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { Escrow } from '../escrow/ports.ts';
import type { JobAccount } from '../ledger/job-money.ts';
import { evidencePrefix } from './prefix-jobs.ts';
import type { JobRecord, Percentiles, StageRecord, UnitRecord } from '../scheduler/job-order.ts';
import type { ArchivedJob } from './job-archive.ts';

/** What evidence is made of besides the job and its account: from the models, the keys, the node records and the audits. */
export interface EvidenceSources {
  readonly manifest: ModelManifest;
  /** Chat template of the model file, as text; null when the file is not at hand. */
  readonly template: string | null;
  readonly coordinatorPublicKey: string;
  readonly identityKeys: ReadonlyMap<string, string>;
  /** The job that does this one's answer again, if there is one. */
  readonly correctedBy: JobId | null;
  /** The job that goes on with this one's answer, if there is one. */
  readonly continuedBy: JobId | null;
  /** Null until the draw is made. */
  readonly draw: AuditDraw | null;
  readonly audits: readonly Transcript[];
  /** The jobs whose caches this one begins with, the newest first. */
  readonly prefix: readonly JobRecord[];
  /** Null when they were not asked for: they are large. */
  readonly pieces: ReadonlyMap<HexHash, Uint8Array> | null;
  /** Undefined when an account's credits pay. */
  readonly escrow?: JobEscrow | undefined;
}

/** What a contract pays with; where it is, as long as the coordinator serves that contract. */
export interface JobEscrow {
  readonly escrow: Escrow;
  readonly chainId?: string;
  readonly jobManager?: string;
}

const UNKNOWN: Percentiles = { p50: 0, p95: 0 };

/** The evidence of a recorded and settled job, as `core/src/evidence` defines and checks it. */
export function evidenceOf(job: Extract<ArchivedJob, { state: 'recorded' }>, account: JobAccount, sources: EvidenceSources): Evidence {
  const { record } = job;
  const { plan } = record.signed;
  const { manifest } = sources;
  return {
    status: 'recorded',
    job: job.job,
    network: plan.network,
    created: job.createdAt,
    model: { id: plan.modelId, name: manifest.name, sha256: manifest.file.sha256 as HexHash, architecture: { ...manifest.architecture } },
    manifest,
    template: sources.template,
    plan: { hash: record.planHash, version: plan.version, signed: record.signed, coordinator_public_key: sources.coordinatorPublicKey, coordinator_nonce: record.coordinatorNonce },
    assurance: job.assurance,
    corrects: job.corrects,
    corrected_by: sources.correctedBy,
    continues: job.continues,
    continued_by: sources.continuedBy,
    prompt_tokens: record.promptIds.length,
    completion_tokens: record.tokenIds.length,
    prompt_ids: [...record.promptIds],
    token_ids: [...record.tokenIds],
    surplus_ids: [...record.surplusIds],
    text: job.text,
    finish_reason: record.finish,
    ttft_ms: record.ttftMs,
    tokens_per_second: record.tokensPerSecond,
    stages: record.stages.map((stage, index) => stageOf(record, stage, index, sources)),
    disagreements: [...record.disagreements],
    ledger: ledgerOf(record, account),
    ...(sources.escrow === undefined ? {} : { escrow: escrowOf(sources.escrow) }),
    draw: sources.draw,
    audits: [...sources.audits],
    ...(plan.prefix === undefined ? {} : { prefix: evidencePrefix(plan, sources.prefix) }),
    ...(sources.pieces === null ? {} : { pieces: Object.fromEntries([...sources.pieces].map(([hash, bytes]) => [hash, toBase64(bytes)])) }),
  };
}

function ledgerOf(record: JobRecord, account: JobAccount): EvidenceLedger {
  const { sequence, hash, previous, kind, key, at, lines } = account.entry;
  return {
    debit: String(account.debit),
    fee: String(account.fee),
    held: String(account.held),
    refunded: String(account.refunded),
    credits: record.stages.map(({ worker }) => {
      const credit = account.credits.find((each) => each.worker === worker);
      return { worker, amount: String(credit?.amount ?? 0n), status: credit?.status ?? 'pending' };
    }),
    entry: { sequence, hash: hash as HexHash, previous: previous as HexHash, kind, key, at, lines: lines.map((line) => ({ account: line.account, amount: String(line.amount) })) },
  };
}

function escrowOf({ escrow: { id, state, budget, deadline, result, sent }, chainId, jobManager }: JobEscrow): EvidenceEscrow {
  const transactions = Object.fromEntries(Object.entries(sent).map(([step, { transaction }]) => [step, transaction]));
  return { chain_id: chainId ?? null, job_manager: jobManager ?? null, job: id, state, budget: String(budget), deadline, used: result === null ? null : String(result.used), result_root: result?.root ?? null, transactions };
}

function stageOf(record: JobRecord, stage: StageRecord, index: number, sources: EvidenceSources): EvidenceStage {
  const { stats, root } = stage;
  const planned = record.signed.plan.stages[index];
  return {
    worker: stage.worker,
    identity_public_key: sources.identityKeys.get(stage.worker) ?? null,
    device_public_key: planned?.devicePublicKey ?? '',
    layers: [stage.layers[0], stage.layers[1]],
    nonce: planned?.nonce ?? null,
    engine: stats?.engine ?? 'unknown',
    link: stage.link,
    ms_per_token: stats?.decodeMs ?? UNKNOWN,
    commit_ms_per_token: stats?.commitMs ?? UNKNOWN,
    unit_ms: stats?.unitMs ?? UNKNOWN,
    lap_ms: stats?.lapMs ?? UNKNOWN,
    peak_memory_bytes: stats?.peakMemoryBytes ?? 0,
    paid_positions: stage.paidPositions,
    audit_status: auditStatusOf(stage, index, sources),
    units: stage.units.map((unit, at) => unitOf(record, stage, index, unit, root?.salts[at])),
    receipts: stage.units.flatMap(receiptsOf),
    root: root === undefined ? null : { root: root.root, signature: root.signature },
  };
}

/** `pending` until the draw is made, and for a drawn stage until its auditors have spoken; where nothing was committed to, nothing is paid. */
function auditStatusOf({ units }: StageRecord, stage: number, { draw, audits }: EvidenceSources): EvidenceStage['audit_status'] {
  const drawn = draw?.stages[stage];
  if (drawn === undefined) return 'pending';
  if (units.length === 0) return 'unpaid';
  if (drawn.units === 0) return 'passed by';
  return audits.find((each) => each.stage === stage)?.outcome ?? 'pending';
}

function unitOf({ signed: { plan }, planHash }: JobRecord, { worker }: StageRecord, stage: number, unit: UnitRecord, salt: string | undefined): EvidenceUnit {
  const { canonHash, hintHash, hintBytes, hints, receipt } = unit;
  const { from, to, inputHash, payloadHash, linkHash, unit: number } = receipt.body;
  const hashes = { unit: number, from, to, inputHash, payloadHash, linkHash, canonHash, hintHash };
  const context = { network: plan.network, worker, job: plan.job, planHash, stage, modelId: plan.modelId, precision: plan.precision };
  return {
    from,
    to,
    payload_sha256: payloadHash,
    canonical_sha256: canonHash,
    hint_bytes: hintBytes,
    hints,
    input_sha256: inputHash,
    link_sha256: linkHash,
    hint_sha256: hintHash,
    ...(salt === undefined ? {} : { salt, leaf_sha256: leafHash(context, hashes, salt) as HexHash }),
  };
}

function receiptsOf({ receipt, receiptValid, acknowledgement, acknowledgementValid }: UnitRecord): EvidenceReceipt[] {
  const { unit, worker } = receipt.body;
  const own: EvidenceReceipt = { signer: worker, valid: receiptValid, kind: 'receipt', unit, receipt };
  if (acknowledgement === undefined) return [own];
  // An acknowledgement of another receipt says nothing about this one.
  const valid = acknowledgementValid === true && acknowledgement.receiptHash === receiptHash(receipt.body);
  return [own, { signer: acknowledgement.signer, valid, kind: 'acknowledgement', unit, acknowledgement }];
}
