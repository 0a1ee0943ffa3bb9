import { leafHash } from '@ciro/core/commitment/leaf.ts';
import { receiptHash } from '@ciro/core/receipt/receipt.ts';
import type { Architecture } from '@ciro/core/model/architecture.ts';
import type { SignedPlan } from '@ciro/core/job/plan.ts';
import type { Acknowledgement, Receipt } from '@ciro/core/receipt/receipt.ts';
import type { CreditStatus, JobAccount } from '../ledger/ledger.ts';
import type { JobRecord, Percentiles, StageRecord, StageStats, UnitRecord } from '../scheduler/job-order.ts';
import type { ArchivedJob } from './job-archive.ts';

/** A unit as committed. Hashes are SHA-256 in hex; `salt` and `leaf_sha256` are absent when the stage posted no valid root. */
export interface EvidenceUnit {
  readonly from: number;
  readonly to: number;
  readonly payload_sha256: string;
  readonly canonical_sha256: string;
  readonly hint_bytes: number;
  readonly input_sha256: string;
  readonly link_sha256: string;
  readonly hint_sha256: string;
  readonly salt?: string;
  readonly leaf_sha256?: string;
}

/** One signature over a unit: the worker's own receipt, or the word of its downstream neighbour. */
export type EvidenceReceipt =
  | { readonly signer: string; readonly valid: boolean; readonly kind: 'receipt'; readonly unit: number; readonly receipt: Receipt }
  | { readonly signer: string; readonly valid: boolean; readonly kind: 'acknowledgement'; readonly unit: number; readonly acknowledgement: Acknowledgement };

export interface EvidenceStage {
  readonly worker: string;
  /** Stark key that signed the root; null when the node is not on record. */
  readonly identity_public_key: string | null;
  readonly device_public_key: string;
  /** Layers `[from, to)`. */
  readonly layers: readonly [number, number];
  readonly engine: StageStats['engine'] | 'unknown';
  readonly link: StageRecord['link'];
  readonly ms_per_token: Percentiles;
  readonly commit_ms_per_token: Percentiles;
  readonly unit_ms: Percentiles;
  readonly lap_ms: Percentiles;
  readonly peak_memory_bytes: number;
  readonly paid_positions: number;
  readonly units: readonly EvidenceUnit[];
  readonly receipts: readonly EvidenceReceipt[];
  /** Poseidon root over the leaves, signed by the identity; null when none that holds was posted. */
  readonly root: { readonly root: string; readonly signature: string } | null;
}

/** Base units as decimal text: JSON numbers would round them. */
export interface EvidenceLedger {
  readonly debit: string;
  readonly fee: string;
  readonly held: string;
  /** One a stage, in stage order. */
  readonly credits: readonly { readonly worker: string; readonly amount: string; readonly status: CreditStatus }[];
  /** The entry that booked it. */
  readonly entry: { readonly sequence: number; readonly hash: string; readonly previous: string };
}

/** Everything about one answer that a third party needs to check it without asking this coordinator again. */
export interface Evidence {
  readonly status: 'recorded';
  readonly job: string;
  readonly network: string;
  readonly created: number;
  readonly model: { readonly id: string; readonly name: string; readonly sha256: string; readonly architecture: Architecture };
  readonly plan: { readonly hash: string; readonly version: number; readonly signed: SignedPlan; readonly coordinator_public_key: string; readonly coordinator_nonce: string };
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_ids: readonly number[];
  readonly token_ids: readonly number[];
  readonly text: string;
  readonly finish_reason: JobRecord['finish'];
  readonly ttft_ms: number;
  readonly tokens_per_second: number;
  readonly stages: readonly EvidenceStage[];
  readonly disagreements: JobRecord['disagreements'];
  readonly ledger: EvidenceLedger;
}

/** What evidence is made of besides the job: from the models, the keys and the node records. */
export interface EvidenceSources {
  readonly model: { readonly name: string; readonly file: { readonly sha256: string }; readonly architecture: Architecture };
  readonly coordinatorPublicKey: string;
  readonly identityKeys: ReadonlyMap<string, string>;
}

const UNKNOWN: Percentiles = { p50: 0, p95: 0 };

/** The evidence of a recorded and settled job. */
export function evidenceOf(job: Extract<ArchivedJob, { state: 'recorded' }>, account: JobAccount, sources: EvidenceSources): Evidence {
  const { record } = job;
  const { plan } = record.signed;
  return {
    status: 'recorded',
    job: job.job,
    network: plan.network,
    created: job.createdAt,
    model: { id: plan.modelId, name: sources.model.name, sha256: sources.model.file.sha256, architecture: sources.model.architecture },
    plan: { hash: record.planHash, version: plan.version, signed: record.signed, coordinator_public_key: sources.coordinatorPublicKey, coordinator_nonce: record.coordinatorNonce },
    prompt_tokens: record.promptIds.length,
    completion_tokens: record.tokenIds.length,
    prompt_ids: record.promptIds,
    token_ids: record.tokenIds,
    text: job.text,
    finish_reason: record.finish,
    ttft_ms: record.ttftMs,
    tokens_per_second: record.tokensPerSecond,
    stages: record.stages.map((stage, index) => stageOf(record, stage, index, sources.identityKeys)),
    disagreements: record.disagreements,
    ledger: {
      debit: String(account.debit),
      fee: String(account.fee),
      held: String(account.held),
      credits: record.stages.map(({ worker }) => {
        const credit = account.credits.find((each) => each.worker === worker);
        return { worker, amount: String(credit?.amount ?? 0n), status: credit?.status ?? 'pending' };
      }),
      entry: { sequence: account.entry.sequence, hash: account.entry.hash, previous: account.entry.previous },
    },
  };
}

function stageOf(record: JobRecord, stage: StageRecord, index: number, identityKeys: ReadonlyMap<string, string>): EvidenceStage {
  const { stats, root } = stage;
  return {
    worker: stage.worker,
    identity_public_key: identityKeys.get(stage.worker) ?? null,
    device_public_key: record.signed.plan.stages[index]?.devicePublicKey ?? '',
    layers: stage.layers,
    engine: stats?.engine ?? 'unknown',
    link: stage.link,
    ms_per_token: stats?.decodeMs ?? UNKNOWN,
    commit_ms_per_token: stats?.commitMs ?? UNKNOWN,
    unit_ms: stats?.unitMs ?? UNKNOWN,
    lap_ms: stats?.lapMs ?? UNKNOWN,
    peak_memory_bytes: stats?.peakMemoryBytes ?? 0,
    paid_positions: stage.paidPositions,
    units: stage.units.map((unit, at) => unitOf(record, stage, index, unit, root?.salts[at])),
    receipts: stage.units.flatMap(receiptsOf),
    root: root === undefined ? null : { root: root.root, signature: root.signature },
  };
}

function unitOf({ signed: { plan }, planHash }: JobRecord, { worker }: StageRecord, stage: number, unit: UnitRecord, salt: string | undefined): EvidenceUnit {
  const { canonHash, hintHash, hintBytes, receipt } = unit;
  const { from, to, inputHash, payloadHash, linkHash, unit: number } = receipt.body;
  const hashes = { unit: number, from, to, inputHash, payloadHash, linkHash, canonHash, hintHash };
  const context = { network: plan.network, worker, job: plan.job, planHash, stage, modelId: plan.modelId, precision: plan.precision };
  return {
    from,
    to,
    payload_sha256: payloadHash,
    canonical_sha256: canonHash,
    hint_bytes: hintBytes,
    input_sha256: inputHash,
    link_sha256: linkHash,
    hint_sha256: hintHash,
    ...(salt === undefined ? {} : { salt, leaf_sha256: leafHash(context, hashes, salt) }),
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
