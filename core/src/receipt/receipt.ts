import * as v from 'valibot';
import { domainBytes, domainHash } from '../canonical-json.ts';
import { DeviceSignature, HexHash, JobId, NodeId } from '../ids.ts';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** What a worker says it did in one unit and what it passed on (PROTOCOL 3, SPEC R1). */
export const ReceiptBody = v.strictObject({
  network: v.pipe(v.string(), v.maxLength(64)),
  job: JobId,
  planHash: HexHash,
  stage: Count,
  worker: NodeId,
  unit: Count,
  from: Count,
  to: Count,
  inputHash: HexHash,
  payloadHash: HexHash,
  /** What crossed the link to the next stage: equals payloadHash, or for the last stage the hash of the ids it sampled. */
  linkHash: HexHash,
});
export type ReceiptBody = v.InferOutput<typeof ReceiptBody>;

/** A receipt signed by the worker's device key. */
export const Receipt = v.strictObject({ body: ReceiptBody, signature: DeviceSignature });
export type Receipt = v.InferOutput<typeof Receipt>;

/** The downstream neighbour's word that it was given what the receipt says (SPEC R2); `coordinator` when a plan has one stage. */
export const Acknowledgement = v.strictObject({
  receiptHash: HexHash,
  signer: v.union([NodeId, v.literal('coordinator')]),
  signature: DeviceSignature,
});
export type Acknowledgement = v.InferOutput<typeof Acknowledgement>;

/** Bytes that the worker signs. */
export const receiptBytes = (body: ReceiptBody): Uint8Array => domainBytes('ciro/receipt/1', body);

/** Identity of a receipt: hash of its body. */
export const receiptHash = (body: ReceiptBody): HexHash => domainHash('ciro/receipt/1', body) as HexHash;

/** Bytes that the downstream neighbour signs. */
export const acknowledgementBytes = (hash: HexHash, signer: Acknowledgement['signer']): Uint8Array => domainBytes('ciro/acknowledgement/1', { receiptHash: hash, signer });

/** Bytes that a downstream neighbour signs when it was given something else: the link hash of what it got (SPEC R2). */
export const disagreementBytes = (hash: HexHash, signer: NodeId, linkHash: HexHash): Uint8Array => domainBytes('ciro/disagreement/1', { receiptHash: hash, signer, linkHash });
