import * as v from 'valibot';
import { AuditId, DevicePublicKey, DeviceSignature, HexHash, JobId, NodeId } from '../ids.ts';
import { SampledIds } from '../protocol/audit-from-worker.ts';
import { MAX_JOB_UNITS } from '../protocol/limits.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const Hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `expected ${bytes} bytes in hex`));

/** What can be wrong with a unit, in the order in which it is looked for (SPEC A5 to A7). */
export const FINDING_CODES = [
  'input-hash', 'payload-hash', 'leaf', 'bad-hints', 'own-cells', 'own-hints', 'non-finite', 'cells', 'far-from-edge', 'payload-far', 'payload-bias', 'sampled-id',
] as const;

/** The first wrong element of a unit. `got` is the audited worker's, `expected` the auditor's; positions are absolute. */
export const Finding = v.strictObject({
  unit: Count,
  code: v.picklist(FINDING_CODES),
  position: v.optional(Count),
  channel: v.optional(Count),
  got: v.optional(v.string()),
  expected: v.optional(v.string()),
});
export type Finding = v.InferOutput<typeof Finding>;

/** What one auditor's rows say about a stage. */
export const Verdict = v.strictObject({
  passed: v.boolean(),
  first: v.nullable(Finding),
  /** Largest |x - x'| in units of tau, and the largest mean over a row of |x - x'| in units of tau (SPEC A6). */
  worstOfTau: Amount,
  meanOfTau: Amount,
});
export type Verdict = v.InferOutput<typeof Verdict>;

/** One auditor's blind result, opened, and what follows from it. `coordinator`: its own reference run, which is never independent. */
export const Opinion = v.strictObject({
  audit: AuditId,
  auditor: v.union([NodeId, v.literal('coordinator')]),
  engine: v.picklist(['wasm', 'webgpu', 'reference']),
  independent: v.boolean(),
  devicePublicKey: DevicePublicKey,
  commitment: HexHash,
  signature: DeviceSignature,
  salt: Hex(16),
  /** SHA-256 of its rows (little-endian float32), one a unit. */
  rows: v.pipe(v.array(HexHash), v.minLength(1), v.maxLength(MAX_JOB_UNITS)),
  ids: v.nullable(SampledIds),
  verdict: Verdict,
});
export type Opinion = v.InferOutput<typeof Opinion>;

export const AUDIT_REASONS = ['drawn', 'newcomer', 'unrevealed', 'checked', 'disagreement', 'suspicion'] as const;

/**
 * Everything about the audit of one stage of one job; with the pieces (inputs, payloads and auditors' rows, by SHA-256) anyone
 * can make the verdicts again. `outcome`: `passed`; `failed` (a quorum agrees, SPEC A8); `unpaid` (a fail that was neither confirmed
 * nor refuted, or nobody supplied the rows): never held against the worker.
 */
export const Transcript = v.strictObject({
  format: v.literal(1),
  network: v.pipe(v.string(), v.maxLength(64)),
  job: JobId,
  planHash: HexHash,
  stage: Count,
  worker: NodeId,
  reason: v.picklist(AUDIT_REASONS),
  beacon: HexHash,
  /** Units [0, units) were looked at. */
  units: v.pipe(Count, v.minValue(1), v.maxValue(MAX_JOB_UNITS)),
  /** Who could have audited, with weights, in the order of the draw's list (SPEC A3). */
  candidates: v.pipe(v.array(v.strictObject({ worker: NodeId, weight: Amount })), v.maxLength(1_000)),
  opinions: v.pipe(v.array(Opinion), v.maxLength(16)),
  outcome: v.picklist(['passed', 'failed', 'unpaid']),
  /** Why it is unpaid, for a person; empty else. */
  note: v.pipe(v.string(), v.maxLength(500)),
  decidedAt: Count,
});
export type Transcript = v.InferOutput<typeof Transcript>;

/** Draw of a job: what was revealed when, and what follows from it. Anyone can make it again from the plan and the roots (SPEC A2). */
export const AuditDraw = v.strictObject({
  roots: v.array(v.nullable(v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/)))),
  rootsHash: HexHash,
  coordinator: Hex(32),
  requester: v.nullable(Hex(32)),
  /** One a stage: the opened nonce with the signature that binds it to the roots, or null. */
  workers: v.array(v.nullable(v.strictObject({ nonce: Hex(32), signature: DeviceSignature }))),
  beacon: HexHash,
  /** One a stage: the rate that applied, the draw in [0, 1), and units to look at (0: passed by). */
  stages: v.array(v.strictObject({ rate: v.pipe(v.number(), v.minValue(0), v.maxValue(1)), draw: v.pipe(v.number(), v.minValue(0), v.maxValue(1)), units: Count, reason: v.nullable(v.picklist(AUDIT_REASONS)) })),
});
export type AuditDraw = v.InferOutput<typeof AuditDraw>;
