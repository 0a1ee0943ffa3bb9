import * as v from 'valibot';
import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { AuditId, DeviceSignature, HexHash, JobId, NodeId } from '../ids.ts';
import { PlanSampler } from '../job/plan.ts';
import { MAX_JOB_UNITS, MAX_PIECE_BYTES, MAX_STAGES, MAX_WHOLE_PIECE_BYTES } from './limits.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/));
const Bytes = v.pipe(
  v.union([v.instance(Uint8Array), v.pipe(v.instance(ArrayBuffer), v.transform((buffer) => new Uint8Array(buffer)))]),
  v.check((bytes) => bytes.length >= 1 && bytes.length <= MAX_PIECE_BYTES, `expected 1 to ${MAX_PIECE_BYTES} bytes`),
);

/** Every root of a job, in stage order; null where none came. Whoever is shown them opens its nonce, once (SPEC A2). */
export const Reveal = v.strictObject({ type: v.literal('reveal'), job: JobId, version: Count, roots: v.pipe(v.array(v.nullable(Felt)), v.minLength(1), v.maxLength(MAX_STAGES)) });
/** The draw passed this job by, or its rows were supplied: they may be given back. */
export const Release = v.strictObject({ type: v.literal('release'), job: JobId, version: Count });
/** What is kept of this job is to be forgotten at once, caches and rows (SPEC V7). */
export const Forget = v.strictObject({ type: v.literal('forget'), job: JobId, version: Count });
/** Upload units `[from, units)`, `from` 0 when absent, of what this worker was given (`input`) or gave (`payload`) in this job. */
export const Supply = v.strictObject({ type: v.literal('supply'), audit: AuditId, job: JobId, version: Count, side: v.picklist(['input', 'payload']), from: v.exactOptional(Count), units: v.pipe(Count, v.minValue(1), v.maxValue(MAX_JOB_UNITS)) });

/**
 * An audit for this worker: run `layers` of the model over `positions` inputs, which follow as `input` pieces, from position 0,
 * in chunks of 16, and answer `audit-blind`. The worker that is audited is not named. `sampling` for the last stage only:
 * what its ids were drawn with; `ids` of the positions from `promptTokens - 1` on.
 */
export const Audit = v.strictObject({
  type: v.literal('audit'),
  audit: AuditId,
  job: JobId,
  planHash: HexHash,
  stage: Count,
  modelId: HexHash,
  layers: v.strictTuple([Count, Count]),
  positions: v.pipe(Count, v.minValue(1)),
  /** Rows below this position, a multiple of 16, only lead to those that are looked at (SPEC V4); 0 when absent. */
  from: v.exactOptional(v.pipe(Count, v.multipleOf(UNIT_POSITIONS))),
  sampling: v.nullable(v.strictObject({ sampler: PlanSampler, promptTokens: v.pipe(Count, v.minValue(1)) })),
});
/** Part of a piece for an auditor: `input` with the task, `payload` with the opening. As in the worker's `piece`. */
export const PieceIn = v.strictObject({
  type: v.literal('piece'),
  audit: AuditId,
  side: v.picklist(['input', 'payload']),
  unit: Count,
  sha256: HexHash,
  offset: Count,
  total: v.pipe(Count, v.minValue(1), v.maxValue(MAX_WHOLE_PIECE_BYTES)),
  bytes: Bytes,
});
/** The audited worker's leaves under the root that was fixed before the draw; on the last stage its payload pieces follow (SPEC A4). The auditor now opens its own result. */
export const AuditOpen = v.strictObject({ type: v.literal('audit-open'), audit: AuditId, root: Felt, leaves: v.pipe(v.array(HexHash), v.minLength(1), v.maxLength(MAX_JOB_UNITS)) });
/** Nobody waits for this audit any more. */
export const AuditCancelled = v.strictObject({ type: v.literal('audit-cancelled'), audit: AuditId });

/** Head of the ledger, signed: gossiped between tabs, so that two ledgers cannot be shown to two of them (SPEC B1). */
export const SignedHead = v.strictObject({
  body: v.strictObject({ network: v.pipe(v.string(), v.maxLength(64)), sequence: Count, hash: HexHash, at: Count }),
  signature: DeviceSignature,
});
export type SignedHead = v.InferOutput<typeof SignedHead>;
export const Head = v.strictObject({ type: v.literal('head'), head: SignedHead });

/** What a worker is told of its own standing: stage-jobs passed, audits, and whether it is placed any more. */
export const Standing = v.strictObject({ type: v.literal('standing'), nodeId: NodeId, passed: Count, successfulAudits: Count, failedAudits: Count, auditRate: v.pipe(v.number(), v.minValue(0), v.maxValue(1)), state: v.picklist(['active', 'demoted']) });
