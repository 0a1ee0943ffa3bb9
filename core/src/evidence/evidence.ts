import * as v from 'valibot';
import { AuditDraw, Transcript } from '../audit/transcript.ts';
import { DevicePublicKey, HexHash, IdentityPublicKey, JobId, NodeId } from '../ids.ts';
import { SignedPlan } from '../job/plan.ts';
import { ArchitectureSchema, parseManifest } from '../model/parse-manifest.ts';
import { MAX_JOB_UNITS, MAX_PREFIX_JOBS, MAX_STAGES, MAX_UNIT_HINT_CHARACTERS } from '../protocol/limits.ts';
import { Acknowledgement, Receipt } from '../receipt/receipt.ts';
import { EscrowId } from '../settlement/escrow.ts';
import type { ModelManifest } from '../model/manifest.ts';

/** Positions of a job at most: what its units can cover, and one id more. */
const MAX_IDS = MAX_JOB_UNITS * 16 + 1;
/** Text of an answer in characters: no token of a supported vocabulary stands for more than 64. */
const MAX_TEXT_CHARACTERS = 64 * MAX_IDS;
/** Characters of a chat template; the longest published ones have about 10,000. */
const MAX_TEMPLATE_CHARACTERS = 200_000;
/** Lines of the entry that closed a job: its hold, its fee, the requester and one a stage. */
const MAX_ENTRY_LINES = MAX_STAGES + 8;

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Measure = v.pipe(v.number(), v.finite(), v.minValue(0));
const Amount = v.pipe(v.string(), v.regex(/^(0|[1-9][0-9]{0,40})$/, 'expected base units as a decimal string'));
const SignedAmount = v.pipe(v.string(), v.regex(/^(0|-?[1-9][0-9]{0,40})$/, 'expected base units as a decimal string'));
const Hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `expected ${bytes} bytes in hex`));
const Base64 = v.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'expected base64 with padding');
const Ids = v.pipe(v.array(v.pipe(Count, v.maxValue(0xffff_fffe))), v.maxLength(MAX_IDS));
const Percentiles = v.strictObject({ p50: Measure, p95: Measure });

/** A manifest that `parseManifest` takes: its shards, sizes and calibration table agree with each other. */
const Manifest = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset, addIssue, NEVER }): ModelManifest => {
    try {
      return parseManifest(dataset.value);
    } catch (error) {
      addIssue({ message: error instanceof Error ? error.message : String(error) });
      return NEVER;
    }
  }),
);

/** A unit as committed. Hashes are SHA-256 in hex; `salt` and `leaf_sha256` are absent when the stage posted no valid root. */
export const EvidenceUnit = v.strictObject({
  from: Count,
  to: Count,
  payload_sha256: HexHash,
  canonical_sha256: HexHash,
  hint_bytes: Count,
  /** Base64; they hash to `hint_sha256` (SPEC U5). */
  hints: v.pipe(v.string(), v.maxLength(MAX_UNIT_HINT_CHARACTERS), Base64),
  input_sha256: HexHash,
  link_sha256: HexHash,
  hint_sha256: HexHash,
  salt: v.exactOptional(Hex(16)),
  leaf_sha256: v.exactOptional(HexHash),
});
export type EvidenceUnit = v.InferOutput<typeof EvidenceUnit>;

/** One signature over a unit: the worker's own receipt, or the word of its downstream neighbour. */
export const EvidenceReceipt = v.variant('kind', [
  v.strictObject({ signer: NodeId, valid: v.boolean(), kind: v.literal('receipt'), unit: Count, receipt: Receipt }),
  v.strictObject({ signer: v.union([NodeId, v.literal('coordinator')]), valid: v.boolean(), kind: v.literal('acknowledgement'), unit: Count, acknowledgement: Acknowledgement }),
]);
export type EvidenceReceipt = v.InferOutput<typeof EvidenceReceipt>;

export const AUDIT_STATES = ['pending', 'passed by', 'passed', 'failed', 'unpaid'] as const;

export const EvidenceStage = v.strictObject({
  worker: NodeId,
  /** Stark key that signed the root; null when the node is not on record. */
  identity_public_key: v.nullable(IdentityPublicKey),
  device_public_key: DevicePublicKey,
  /** Layers `[from, to)`. */
  layers: v.strictTuple([Count, Count]),
  /** The worker's commitment to its nonce for the draw, as in the plan (SPEC A1). */
  nonce: v.nullable(HexHash),
  engine: v.picklist(['wasm', 'webgpu', 'unknown']),
  link: v.picklist(['direct', 'relay', 'unknown', 'none']),
  ms_per_token: Percentiles,
  commit_ms_per_token: Percentiles,
  unit_ms: Percentiles,
  lap_ms: Percentiles,
  peak_memory_bytes: Measure,
  paid_positions: Count,
  /** What became of the audit draw for this stage; `pending` before it is decided. */
  audit_status: v.picklist(AUDIT_STATES),
  units: v.pipe(v.array(EvidenceUnit), v.maxLength(MAX_JOB_UNITS)),
  receipts: v.pipe(v.array(EvidenceReceipt), v.maxLength(2 * MAX_JOB_UNITS)),
  /** Poseidon root over the leaves, signed by the identity; null when none that holds was posted. */
  root: v.nullable(v.strictObject({ root: v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/)), signature: Hex(64) })),
});
export type EvidenceStage = v.InferOutput<typeof EvidenceStage>;

/** Base units as decimal text: JSON numbers would round them. */
export const EvidenceLedger = v.strictObject({
  debit: Amount,
  fee: Amount,
  held: Amount,
  /** Of the debit, what went back after the audits (SPEC M7). */
  refunded: Amount,
  /** One a stage, in stage order. */
  credits: v.pipe(v.array(v.strictObject({ worker: NodeId, amount: Amount, status: v.picklist(['pending', 'payable', 'void']) })), v.maxLength(MAX_STAGES)),
  /** The entry that booked it, with what its hash covers (SPEC M4, B1). */
  entry: v.strictObject({
    sequence: Count,
    hash: HexHash,
    previous: HexHash,
    kind: v.pipe(v.string(), v.maxLength(32)),
    key: v.pipe(v.string(), v.maxLength(200)),
    at: Count,
    lines: v.pipe(v.array(v.strictObject({ account: v.pipe(v.string(), v.maxLength(200)), amount: SignedAmount })), v.maxLength(MAX_ENTRY_LINES)),
  }),
});
export type EvidenceLedger = v.InferOutput<typeof EvidenceLedger>;

const ChainFelt = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/, 'expected a field element in hex'));

/** The contract's job that pays for an answer (SPEC N8). Amounts in base units of its token; what is not known yet is null. */
export const EvidenceEscrow = v.strictObject({
  chain_id: v.nullable(ChainFelt),
  job_manager: v.nullable(ChainFelt),
  job: EscrowId,
  state: v.picklist(['accepted', 'started', 'answered', 'settled', 'refunded']),
  budget: Amount,
  /** Unix seconds. */
  deadline: Count,
  used: v.nullable(Amount),
  result_root: v.nullable(ChainFelt),
  transactions: v.strictObject({ start: v.exactOptional(ChainFelt), submit: v.exactOptional(ChainFelt), settle: v.exactOptional(ChainFelt), refund: v.exactOptional(ChainFelt) }),
});
export type EvidenceEscrow = v.InferOutput<typeof EvidenceEscrow>;

/** An earlier plan on whose caches a job stands, and by stage what was signed over the positions that it is needed for (SPEC V6). */
export const EvidencePrefix = v.strictObject({
  plan: SignedPlan,
  stages: v.pipe(v.array(v.pipe(v.array(v.strictObject({ receipt: Receipt, acknowledgement: Acknowledgement })), v.maxLength(MAX_JOB_UNITS))), v.minLength(1), v.maxLength(MAX_STAGES)),
});
export type EvidencePrefix = v.InferOutput<typeof EvidencePrefix>;

const ENTRIES = {
  status: v.literal('recorded'),
  job: JobId,
  network: v.pipe(v.string(), v.maxLength(64)),
  /** Epoch milliseconds. */
  created: Count,
  model: v.strictObject({ id: HexHash, name: v.pipe(v.string(), v.maxLength(128)), sha256: HexHash, architecture: ArchitectureSchema }),
  /** The model's manifest: its canonical hash is the model id (SPEC D1). */
  manifest: Manifest,
  /** Chat template of the model file; null when the file is not at hand. */
  template: v.nullable(v.pipe(v.string(), v.maxLength(MAX_TEMPLATE_CHARACTERS))),
  plan: v.strictObject({ hash: HexHash, version: Count, signed: SignedPlan, coordinator_public_key: DevicePublicKey, coordinator_nonce: Hex(32) }),
  assurance: v.picklist(['stream', 'checked']),
  /** Jobs whose answer this one puts right, and that puts this one's right (SPEC M7). */
  corrects: v.nullable(JobId),
  corrected_by: v.nullable(JobId),
  /** Jobs that this one goes on from because a tab left, and that go on from this one (SPEC G2). */
  continues: v.nullable(JobId),
  continued_by: v.nullable(JobId),
  prompt_tokens: Count,
  completion_tokens: Count,
  prompt_ids: Ids,
  token_ids: Ids,
  /** Ids that were sampled beyond a stop, which the last stage's units may cover although nobody was given them. */
  surplus_ids: Ids,
  text: v.pipe(v.string(), v.maxLength(MAX_TEXT_CHARACTERS)),
  finish_reason: v.picklist(['stop', 'length', 'cancelled', 'moved', 'failed']),
  ttft_ms: Measure,
  tokens_per_second: Measure,
  stages: v.pipe(v.array(EvidenceStage), v.minLength(1), v.maxLength(MAX_STAGES)),
  disagreements: v.array(v.strictObject({ stage: Count, unit: Count, by: NodeId })),
  ledger: EvidenceLedger,
  /** Absent when an account's credits pay. */
  escrow: v.exactOptional(EvidenceEscrow),
  /** The draw that decided which stages are audited; null before it was made. */
  draw: v.nullable(AuditDraw),
  /** One a stage that was audited. */
  audits: v.pipe(v.array(Transcript), v.maxLength(MAX_STAGES)),
  /** The jobs whose caches this one begins with, the newest first; only where its plan names a prefix. */
  prefix: v.exactOptional(v.pipe(v.array(EvidencePrefix), v.minLength(1), v.maxLength(MAX_PREFIX_JOBS))),
  /** Inputs, payloads and auditors' rows by SHA-256, in base64; only when asked for, and until they are deleted. */
  pieces: v.exactOptional(v.record(HexHash, v.pipe(v.string(), Base64))),
};

/** Everything about one answer that a third party needs to check it without asking this coordinator again (SPEC B4). */
export const Evidence = v.strictObject(ENTRIES);
export type Evidence = v.InferOutput<typeof Evidence>;

/** What the client itself sent, in the names of the API; other fields are kept and named as not checked. */
export const EvidenceRequest = v.looseObject({
  model: v.exactOptional(v.string()),
  messages: v.array(v.looseObject({ role: v.string(), content: v.string() })),
  max_tokens: v.exactOptional(Count),
  temperature: v.exactOptional(v.number()),
  top_p: v.exactOptional(v.number()),
  top_k: v.exactOptional(v.number()),
  min_p: v.exactOptional(v.number()),
  repetition_penalty: v.exactOptional(v.number()),
  seed: v.exactOptional(v.number()),
  stop: v.exactOptional(v.union([v.string(), v.array(v.string())])),
  ciro: v.exactOptional(v.looseObject({ assurance: v.exactOptional(v.picklist(['stream', 'checked'])), nonce_commitment: v.exactOptional(HexHash) })),
});
export type EvidenceRequest = v.InferOutput<typeof EvidenceRequest>;

/** Jobs of one answer before the last one at most; a coordinator makes fewer. */
const MAX_EARLIER = 32;

/**
 * Evidence as a client keeps it: with the evidence of the jobs of this answer before this one (`earlier`, the first one first: done
 * again, or gone on from), with what the client asked (`request`), what it was shown in the end (`answer_text`) and its own measurements.
 */
export const EvidenceFile = v.strictObject({
  ...ENTRIES,
  earlier: v.exactOptional(v.pipe(v.array(Evidence), v.maxLength(MAX_EARLIER))),
  request: v.exactOptional(EvidenceRequest),
  answer_text: v.exactOptional(v.string()),
  timings: v.exactOptional(v.unknown()),
});
export type EvidenceFile = v.InferOutput<typeof EvidenceFile>;
