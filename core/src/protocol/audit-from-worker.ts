import * as v from 'valibot';
import { AuditId, DeviceSignature, HexHash, JobId } from '../ids.ts';
import { MAX_JOB_UNITS, MAX_NONCE_COMMITMENTS, MAX_PIECE_BYTES, MAX_WHOLE_PIECE_BYTES } from './limits.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Text = (bytes: number) => v.pipe(v.string(), v.maxLength(bytes));
const Hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `expected ${bytes} bytes in hex`));
/** MessagePack's binary arrives as an ArrayBuffer in browsers and as a Buffer in Node. */
const Bytes = v.pipe(
  v.union([v.instance(Uint8Array), v.pipe(v.instance(ArrayBuffer), v.transform((buffer) => new Uint8Array(buffer)))]),
  v.check((bytes) => bytes.length >= 1 && bytes.length <= MAX_PIECE_BYTES, `expected 1 to ${MAX_PIECE_BYTES} bytes`),
);

/** Fresh nonce commitments, to be used in this order, one a plan (SPEC A1). */
export const Nonces = v.strictObject({ type: v.literal('nonces'), commitments: v.pipe(v.array(HexHash), v.minLength(1), v.maxLength(MAX_NONCE_COMMITMENTS)) });
/** A worker's nonce, opened after it was shown every root; the signature binds it to those roots (SPEC A2). */
export const Nonce = v.strictObject({ type: v.literal('nonce'), job: JobId, version: Count, rootsHash: HexHash, nonce: Hex(32), signature: DeviceSignature });

/**
 * Part of a piece: bytes `[offset, offset + bytes.length)` of `total`. A piece is what one unit's hash is over: a stage's inputs
 * or its payload, from a worker that was asked to `supply`; or an auditor's own rows. Named by `sha256`, which decides.
 */
export const Piece = v.strictObject({
  type: v.literal('piece'),
  audit: AuditId,
  side: v.picklist(['input', 'payload', 'rows']),
  unit: Count,
  sha256: HexHash,
  offset: Count,
  total: v.pipe(Count, v.minValue(1), v.maxValue(MAX_WHOLE_PIECE_BYTES)),
  bytes: Bytes,
});
/** The worker has no rows of that job any more, or never had: somebody else is asked. */
export const SupplyRefused = v.strictObject({ type: v.literal('supply-refused'), audit: AuditId, side: v.picklist(['input', 'payload']), code: Text(64), message: Text(500) });

/** The auditor cannot or will not: not its model, no memory, leaving. Nothing is held against it. */
export const AuditRefused = v.strictObject({ type: v.literal('audit-refused'), audit: AuditId, code: Text(64), message: Text(500) });
/** The auditor's result, unseen: `blindCommitment` over its salt and the hashes of its rows, signed by its device key (SPEC A4). */
export const AuditBlind = v.strictObject({ type: v.literal('audit-blind'), audit: AuditId, engine: v.picklist(['wasm', 'webgpu']), commitment: HexHash, signature: DeviceSignature });
/** Ids of the last stage against logits of the auditor's own rows (SPEC A7). `gap` in logits, or in probability when drawn. */
export const SampledIds = v.strictObject({
  checked: Count,
  /** Within the tolerance but not what the auditor's own logits give. */
  ambiguous: Count,
  wrong: v.pipe(v.array(v.strictObject({ position: Count, id: Count, gap: v.pipe(v.number(), v.finite(), v.minValue(0)) })), v.maxLength(16)),
});
export type SampledIds = v.InferOutput<typeof SampledIds>;
/** Opens the commitment. The rows themselves came as pieces before. */
export const AuditOpened = v.strictObject({ type: v.literal('audit-opened'), audit: AuditId, salt: Hex(16), rows: v.pipe(v.array(HexHash), v.minLength(1), v.maxLength(MAX_JOB_UNITS)), ids: v.nullable(SampledIds) });
