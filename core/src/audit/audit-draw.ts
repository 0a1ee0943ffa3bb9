import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, toHex } from '../bytes.ts';
import { domainBytes, domainHash } from '../canonical-json.ts';
import type { HexHash, JobId } from '../ids.ts';

/** Every root of a job under one plan, in stage order; null where none came. */
export interface JobRoots {
  readonly network: string;
  readonly job: JobId;
  readonly planHash: HexHash;
  readonly roots: readonly (string | null)[];
}

/** What a worker signs when it opens its nonce: this nonce, after having been shown these roots (SPEC A2). */
export interface OpenedNonce {
  readonly network: string;
  readonly job: JobId;
  readonly planHash: HexHash;
  readonly rootsHash: HexHash;
  /** 32 bytes, hex. */
  readonly nonce: string;
}

/**
 * What the beacon is made of: the opened nonces in hex, null where none was opened. No signature is in it: whoever signs can
 * make a second one of the same words, and so would choose the draw.
 */
export interface BeaconParts {
  readonly planHash: HexHash;
  readonly rootsHash: HexHash;
  readonly coordinator: string | null;
  readonly requester: string | null;
  /** One a stage. */
  readonly workers: readonly (string | null)[];
}

/** Draw 0 decides whether a stage is audited, 1 how far; auditors are drawn from 2 on (SPEC A2, A3). */
export const AUDIT_DRAW = 0;
export const CUT_DRAW = 1;
export const FIRST_AUDITOR_DRAW = 2;

/** Share of passing opinions that the reference run gives a second one on: an auditor that was bought cannot count on being alone (SPEC A8). */
export const RECHECK_RATE = 0.05;

/** True when an opinion that passes this stage is checked by the reference run. */
export const isRechecked = (beacon: HexHash, stage: number): boolean => auditDraw(beacon, stage, 'recheck') < RECHECK_RATE;

/** SHA-256 over the list of roots that every worker is shown (SPEC A2). */
export function rootsHashOf({ network, job, planHash, roots }: JobRoots): HexHash {
  return domainHash('ciro/roots/1', { network, job, planHash, roots }) as HexHash;
}

/** What a plan names of a nonce: SHA-256 of its bytes (SPEC A1). Throws on anything but hex. */
export function nonceCommitment(nonceHex: string): HexHash {
  return toHex(sha256(fromHex(nonceHex))) as HexHash;
}

/** Bytes that a worker's device key signs when it opens its nonce (SPEC A2). */
export function nonceBytesToSign({ network, job, planHash, rootsHash, nonce }: OpenedNonce): Uint8Array {
  return domainBytes('ciro/nonce/1', { network, job, planHash, rootsHash, nonce });
}

/** The number everything is drawn from; nobody knows it before the last root and the last nonce (SPEC A2). */
export function beaconOf({ planHash, rootsHash, coordinator, requester, workers }: BeaconParts): HexHash {
  return domainHash('ciro/beacon/1', { planHash, rootsHash, coordinator, requester, workers }) as HexHash;
}

/** Number `k` of the draw about a stage, uniform in [0, 1) with 53 bits (SPEC A2); `recheck` decides whether an auditor is checked in its turn (SPEC A8). */
export function auditDraw(beacon: HexHash, stage: number, k: number | 'recheck'): number {
  const view = new DataView(fromHex(domainHash('ciro/audit-draw/1', { beacon, stage, k })).buffer);
  return (view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11)) / 2 ** 53;
}

/** Units that are looked at when a stage of `units` units is drawn: 1 to all of them, evenly (SPEC A2). */
export function cutOf(beacon: HexHash, stage: number, units: number): number {
  // The largest draw times a count that is no power of two rounds up to the count itself.
  return Math.min(units, 1 + Math.floor(auditDraw(beacon, stage, CUT_DRAW) * units));
}
