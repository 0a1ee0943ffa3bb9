import { sha256 } from '@noble/hashes/sha2.js';

/** Separates this use of SHA-256 from every other. */
const DOMAIN = new TextEncoder().encode('ciro/draw/1');

/**
 * The draw for a position: uniform in [0, 1) with 53 bits, the first of SHA-256(domain | seed u32 LE | position u32 LE)
 * read big-endian. Depends on nothing else, so a failover, a replay or an auditor draws the same.
 */
export function drawAt(seed: number, position: number): number {
  const input = new Uint8Array(DOMAIN.length + 8);
  input.set(DOMAIN);
  const view = new DataView(input.buffer);
  view.setUint32(DOMAIN.length, seed, true);
  view.setUint32(DOMAIN.length + 4, position, true);
  const hash = new DataView(sha256(input).buffer);
  const high = hash.getUint32(0) >>> 5;
  const low = hash.getUint32(4) >>> 6;
  return (high * 67108864 + low) / 9007199254740992;
}
