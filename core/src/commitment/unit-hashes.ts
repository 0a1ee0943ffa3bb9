import { toHex } from '../bytes.ts';

/** Positions a unit covers at most (SPEC U1): the grid of units is fixed at multiples of this. */
export const UNIT_POSITIONS = 16;
/** Stands where a position has no sampled id (prompt positions before the last): no vocabulary reaches it. */
export const NO_ID = 0xffffffff;

/** What one stage commits to for positions `[from, to)` (SPEC U2). Hashes are SHA-256 in lower-case hex. */
export interface UnitHashes {
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  readonly inputHash: string;
  readonly payloadHash: string;
  readonly canonHash: string;
  readonly hintHash: string;
  /** What crossed the link to the next stage: the payload, or for the last stage the sampled ids (SPEC U4). */
  readonly linkHash: string;
}

/** A closed unit with the hints that an auditor will need. */
export interface ClosedUnit extends UnitHashes {
  readonly hints: Uint8Array;
}

/** Everything a unit's hashes are over, positions in order (SPEC U2). */
export interface UnitBytes {
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  readonly input: Uint8Array;
  readonly payload: Uint8Array;
  readonly cells: Uint8Array;
  readonly hints: Uint8Array;
  /** Only on the last stage, where ids cross the link and not the payload. */
  readonly link?: Uint8Array;
}

/** SHA-256 as the platform has it: WebCrypto hashes twenty times as fast as script does in a browser. */
export type Digest = (bytes: Uint8Array) => Promise<Uint8Array>;

/** Hashes a unit (SPEC U2, U4). Off the token path; about 0.15 ms at d = 576 through WebCrypto. */
export async function hashUnit(bytes: UnitBytes, digest: Digest): Promise<ClosedUnit> {
  const { unit, from, to, hints } = bytes;
  const [input, payload, canon, hint, link] = await Promise.all([digest(bytes.input), digest(bytes.payload), digest(bytes.cells), digest(hints), bytes.link === undefined ? undefined : digest(bytes.link)]);
  const payloadHash = toHex(payload);
  return { unit, from, to, inputHash: toHex(input), payloadHash, canonHash: toHex(canon), hintHash: toHex(hint), linkHash: link === undefined ? payloadHash : toHex(link), hints };
}

/** Payload of the last stage: each final-norm row followed by its id (SPEC U2). `rows` and `ids` hold the same positions. */
export function payloadWithIds(rows: Uint8Array, ids: Uint8Array): Uint8Array {
  const rowBytes = (4 * rows.length) / ids.length;
  const payload = new Uint8Array(rows.length + ids.length);
  for (let row = 0; 4 * row < ids.length; row++) {
    payload.set(rows.subarray(row * rowBytes, (row + 1) * rowBytes), row * (rowBytes + 4));
    payload.set(ids.subarray(4 * row, 4 * row + 4), row * (rowBytes + 4) + rowBytes);
  }
  return payload;
}
