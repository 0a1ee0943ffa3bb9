import { sha256 } from '@noble/hashes/sha2.js';
import { toHex, utf8 } from '../bytes.ts';
import { canonicalJson } from '../canonical-json.ts';

const DOMAIN = 'ciro/sponsor-work/1';
/** A proof names the slot of time it was made for; it holds in that slot and the next one (SPEC Y2). */
export const WORK_SLOT_S = 600;
/** Bits a proof may ask for. Below 8 it costs nothing; 24 are 16 million hashes, minutes of a desktop's core. */
export const MIN_WORK_BITS = 8;
export const MAX_WORK_BITS = 24;

/** What a proof of work is bound to: one account on one chain, for a while. */
export interface WorkChallenge {
  /** Chain id and account address as 0x hex without leading zeros. */
  readonly chainId: string;
  readonly account: string;
  /** Seconds since 1970, divided by `WORK_SLOT_S`. */
  readonly slot: number;
}

/** Bytes hashed: H1's form, with the counter outside of the JSON so that a search hashes the rest of it once. */
function prefixOf({ chainId, account, slot }: WorkChallenge): Uint8Array {
  return utf8(`${DOMAIN}\0${canonicalJson({ account, chainId, slot })}\0`);
}

/** Leading zero bits of SHA-256(prefix ‖ counter in decimal). About 15 µs. */
export function workBits(challenge: WorkChallenge, counter: number): number {
  return bitsOf(sha256.create().update(prefixOf(challenge)).update(utf8(String(counter))).digest());
}

/** Tries `tries` counters from `from`; the first that has `bits`, or undefined. A page calls it in slices, in its worker. */
export function findWork(challenge: WorkChallenge, bits: number, { from = 0, tries = Number.MAX_SAFE_INTEGER }: { readonly from?: number; readonly tries?: number } = {}): number | undefined {
  const prefix = sha256.create().update(prefixOf(challenge));
  for (let counter = from; counter < from + tries; counter++) {
    if (bitsOf(prefix.clone().update(utf8(String(counter))).digest()) >= bits) return counter;
  }
  return undefined;
}

function bitsOf(digest: Uint8Array): number {
  const hex = toHex(digest);
  const zeros = hex.length - hex.replace(/^0+/, '').length;
  const next = hex[zeros];
  return zeros * 4 + (next === undefined ? 0 : Math.clz32(Number.parseInt(next, 16)) - 28);
}
