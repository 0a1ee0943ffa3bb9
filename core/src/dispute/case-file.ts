import { sha256 } from '@noble/hashes/sha2.js';
import * as v from 'valibot';
import { Transcript } from '../audit/transcript.ts';
import { toHex, utf8 } from '../bytes.ts';
import { canonicalJson } from '../canonical-json.ts';
import { EvidenceUnit } from '../evidence/evidence.ts';
import { DevicePublicKey, HexHash, IdentityPublicKey } from '../ids.ts';
import { SignedPlan } from '../job/plan.ts';
import { parseManifest } from '../model/parse-manifest.ts';
import { MAX_JOB_UNITS } from '../protocol/limits.ts';
import { payoutAddress } from '../settlement/payout-address.ts';
import type { Evidence } from '../evidence/evidence.ts';
import type { JobId } from '../ids.ts';
import type { ModelManifest } from '../model/manifest.ts';

const Base64 = v.regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'expected base64 with padding');

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

/**
 * What an accusation against one stage of one job rests on (SPEC Q1): enough to compute the stage again and to compare, and nothing
 * else of the job: neither its text nor its ids, but for those that are this stage's own inputs or outputs.
 */
export const CaseFile = v.strictObject({
  format: v.literal('ciro/case/1'),
  manifest: Manifest,
  plan: v.strictObject({ signed: SignedPlan, coordinator_public_key: DevicePublicKey }),
  /** Stark key of the accused worker, which signed the root. */
  identity_public_key: IdentityPublicKey,
  root: v.strictObject({ root: v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/)), signature: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)) }),
  /** All of the stage's, in order. */
  units: v.pipe(v.array(EvidenceUnit), v.minLength(1), v.maxLength(MAX_JOB_UNITS)),
  /** Who failed it: the stage's place in the plan, too. */
  transcript: Transcript,
  /** Inputs and payloads of the audited units and the auditors' rows, by SHA-256, in base64. */
  pieces: v.record(HexHash, v.pipe(v.string(), Base64)),
});
export type CaseFile = v.InferOutput<typeof CaseFile>;

/** Why no case can be made of a conviction, for a person. */
export interface NoCaseFile {
  readonly why: string;
}

/** The case against a stage that a quorum failed, from the evidence of its job with its pieces (SPEC Q1). */
export function caseFileOf(evidence: Evidence, stage: number): CaseFile | NoCaseFile {
  const transcript = evidence.audits.find((each) => each.stage === stage);
  const accused = evidence.stages[stage];
  if (transcript?.outcome !== 'failed' || accused === undefined) return { why: `no quorum failed stage ${stage}` };
  if (accused.identity_public_key === null) return { why: 'the key of the worker is not on record' };
  if (accused.root === null) return { why: 'the worker signed no root' };
  const looked = accused.units.slice(0, transcript.units);
  const wanted = [...looked.flatMap((unit) => [unit.input_sha256, unit.payload_sha256]), ...transcript.opinions.flatMap(({ rows }) => rows)];
  const pieces: Record<string, string> = {};
  for (const name of wanted) {
    const piece = evidence.pieces?.[name];
    if (piece === undefined) return { why: `piece ${name} is deleted already` };
    pieces[name] = piece;
  }
  const { signed, coordinator_public_key } = evidence.plan;
  return { format: 'ciro/case/1', manifest: evidence.manifest, plan: { signed, coordinator_public_key }, identity_public_key: accused.identity_public_key, root: accused.root, units: accused.units, transcript, pieces };
}

/** The one text of a case: its name is the SHA-256 of it. */
export const caseText = (file: CaseFile): string => canonicalJson(JSON.parse(JSON.stringify(file)));

/** Name of any published text: SHA-256 of its UTF-8 bytes, lower-case hex. */
export const textHash = (text: string): HexHash => toHex(sha256(utf8(text))) as HexHash;

/** Bits of a SHA-256 that a field element holds for sure. */
const FELT_HASH_BITS = 251n;

/** The hash as the court keeps it: its top five bits cleared (SPEC Q1). 0x hex without leading zeros. */
export const evidenceFelt = (hash: string): string => `0x${(BigInt(`0x${hash}`) & ((1n << FELT_HASH_BITS) - 1n)).toString(16)}`;

/** A job as the court names it: its id as a number (SPEC Q1). */
export const jobRef = (job: JobId): string => `0x${BigInt(`0x${job}`).toString(16)}`;

/** What the court is told of a case against a worker. All 0x hex. */
export interface WorkerCharge {
  readonly accused: string;
  readonly ref: string;
  readonly evidence: string;
}

/** Whom a case accuses before the court, and of what; 10 ms. `hash`: name of its text. */
export const chargeOf = (file: CaseFile, hash: string): WorkerCharge => ({ accused: payoutAddress(file.identity_public_key), ref: jobRef(file.transcript.job), evidence: evidenceFelt(hash) });
