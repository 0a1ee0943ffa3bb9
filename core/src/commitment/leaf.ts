import { domainHash } from '../canonical-json.ts';
import type { JobId, NodeId } from '../ids.ts';
import type { UnitHashes } from './unit-hashes.ts';

/** Salt of a leaf, in bytes: stops a copy of a published leaf from being recognised as anyone else's work. */
export const LEAF_SALT_BYTES = 16;

/** What a leaf binds besides the unit's hashes (PROTOCOL 2, SPEC U3). */
export interface LeafContext {
  readonly network: string;
  readonly worker: NodeId;
  readonly job: JobId;
  readonly planHash: string;
  readonly stage: number;
  readonly modelId: string;
  /** Precision class; rows of different classes are never compared. */
  readonly precision: 'f32';
}

/** Leaf of a unit, SHA-256 in hex. `salt`: `LEAF_SALT_BYTES` random bytes in hex, opened at an audit. */
export function leafHash(context: LeafContext, unit: UnitHashes, salt: string): string {
  const { from, to, inputHash, payloadHash, canonHash, hintHash } = unit;
  return domainHash('ciro/leaf/1', { ...context, from, to, salt, inputHash, payloadHash, canonHash, hintHash });
}
