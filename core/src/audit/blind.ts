import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { domainBytes, domainHash } from '../canonical-json.ts';
import { UNIT_POSITIONS } from '../commitment/unit-hashes.ts';
import { AuditError } from './audit-error.ts';
import type { AuditId, HexHash, JobId } from '../ids.ts';
import type { Opinion } from './transcript.ts';

/** What an auditor fixes before it is shown anything of the audited worker's results (SPEC A4). */
export interface BlindResult {
  readonly network: string;
  readonly audit: AuditId;
  readonly job: JobId;
  readonly planHash: HexHash;
  readonly stage: number;
  readonly auditor: Opinion['auditor'];
  /** 16 random bytes, hex. */
  readonly salt: string;
  /** SHA-256 of its rows, one a unit, from `rowHashes`. */
  readonly rows: readonly HexHash[];
}

/** The commitment that an auditor posts (SPEC A4). */
export function blindCommitment({ network, audit, job, planHash, stage, auditor, salt, rows }: BlindResult): HexHash {
  return domainHash('ciro/audit-blind/1', { network, audit, job, planHash, stage, auditor, salt, rows }) as HexHash;
}

/** Bytes that the auditor's device key (the coordinator: its own) signs: the commitment binds everything else. */
export function blindBytes(commitment: HexHash): Uint8Array {
  return domainBytes('ciro/audit-blind-signature/1', { commitment });
}

/** An auditor's rows [positions, channels], from position 0 on, cut into units of at most 16 rows: the bytes of its pieces. */
export function rowPieces(rows: Float32Array, channels: number): Uint8Array[] {
  if (rows.length === 0 || rows.length % channels !== 0) {
    throw new AuditError('wrong-shape', `${rows.length} numbers are no rows of ${channels} channels; run the audit again`, { fault: 'bug', fields: { numbers: rows.length, channels } });
  }
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const size = UNIT_POSITIONS * channels * Float32Array.BYTES_PER_ELEMENT;
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, unit) => bytes.subarray(unit * size, (unit + 1) * size));
}

/** SHA-256 of each piece of `rowPieces`. */
export function rowHashes(rows: Float32Array, channels: number): HexHash[] {
  return rowPieces(rows, channels).map((piece) => toHex(sha256(piece)) as HexHash);
}
