import { sha256 } from '@noble/hashes/sha2.js';
import { getStarkKey, Point, sign, verify } from '@scure/starknet';
import { fromHex, toHex, utf8 } from '../bytes.ts';
import { domainHash } from '../canonical-json.ts';
import type { NodeId } from '../ids.ts';

/** Stark signatures cover a field element: the digest with its top 5 bits cleared (below 2^251, SPEC K1). */
export function signedFelt(digest: string): string {
  return `0x${(BigInt(`0x${digest}`) & ((1n << 251n) - 1n)).toString(16)}`;
}

/** node_id of an identity: first 20 bytes of SHA-256 of its public key text (SPEC K2). */
export function nodeIdOf(identityPublicKey: string): NodeId {
  return toHex(sha256(utf8(identityPublicKey)).subarray(0, 20)) as NodeId;
}

/** Public key of a Stark private key (both 0x hex). */
export const identityPublicKey = (privateKey: string): string => getStarkKey(privateKey);

/** What the identity signs once per connection: this device key, for this coordinator's challenge (SPEC K3). */
export interface DeviceBinding {
  readonly network: string;
  readonly devicePublicKey: string;
  readonly challenge: string;
}

/** Signs a device binding; 128 hex digits (r, s). About 0.5 ms. */
export function signBinding(binding: DeviceBinding, privateKey: string): string {
  return toHex(sign(signedFelt(domainHash('ciro/device/1', binding)), privateKey).toBytes('compact'));
}

/** True when the identity signed this binding. About 2 ms; false on malformed input, never a throw. */
export function verifyBinding(binding: DeviceBinding, signature: string, publicKey: string): boolean {
  return verifyFelt(domainHash('ciro/device/1', binding), signature, publicKey);
}

/** What the identity signs once per job: the root over its leaves (SPEC K4). */
export interface JobRoot {
  readonly network: string;
  readonly job: string;
  readonly planHash: string;
  readonly stage: number;
  readonly root: string;
}

export function signJobRoot(root: JobRoot, privateKey: string): string {
  return toHex(sign(signedFelt(domainHash('ciro/job-root/1', root)), privateKey).toBytes('compact'));
}

export function verifyJobRoot(root: JobRoot, signature: string, publicKey: string): boolean {
  return verifyFelt(domainHash('ciro/job-root/1', root), signature, publicKey);
}

/** Public keys whose points are remembered: those of every node that a large coordinator meets, 300 bytes each. */
const MAX_POINTS = 10_000;
/** By public key. The root of y² takes longer than the rest of a verification, and the same keys come again with every job. */
const points = new Map<string, readonly [Uint8Array, Uint8Array]>();

/** A Stark public key is an x coordinate: both points that have it, uncompressed. Throws where there is none. */
function pointsOf(publicKey: string): readonly [Uint8Array, Uint8Array] {
  const known = points.get(publicKey);
  if (known !== undefined) return known;
  const point = Point.fromHex(`02${publicKey.slice(2).padStart(64, '0')}`);
  const both = [point.toBytes(false), point.negate().toBytes(false)] as const;
  if (points.size >= MAX_POINTS) points.clear();
  points.set(publicKey, both);
  return both;
}

/** True when the key signed that digest; false on malformed input, never a throw. */
export function verifyFelt(digest: string, signature: string, publicKey: string): boolean {
  try {
    const [one, other] = pointsOf(publicKey);
    if (verify(fromHex(signature), signedFelt(digest), one)) return true;
    if (!verify(fromHex(signature), signedFelt(digest), other)) return false;
    // The signer's own point first, the next time.
    points.set(publicKey, [other, one]);
    return true;
  } catch {
    return false; // a malformed point or signature is simply not a signature
  }
}
