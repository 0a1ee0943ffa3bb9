import { createHash } from 'node:crypto';
import type { HexHash } from '@ciro/core/ids.ts';
import { refusal } from './refusal.ts';
import type { AuditMessage } from './exchanges.ts';
import type { Refusal } from './refusal.ts';

export type PieceMessage = Extract<AuditMessage, { type: 'piece' }>;

/** A piece that is wanted. `sha256` is absent for an auditor's rows: there the opening decides. */
export interface WantedPiece {
  readonly unit: number;
  readonly bytes: number;
  readonly sha256?: HexHash;
}

export interface Piece {
  readonly sha256: HexHash;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Part extends Piece {
  received: number;
}

export const sha256Hex = (bytes: Uint8Array): HexHash => createHash('sha256').update(bytes).digest('hex') as HexHash;

/**
 * Puts pieces together from parts. Memory is bounded by what is wanted: a part of anything else, of another size, or out of
 * order is refused. What hashes right stays, also when another worker goes on from there.
 */
export class PieceAssembler {
  readonly #wanted: ReadonlyMap<number, WantedPiece>;
  readonly #whole = new Map<number, Piece>();
  readonly #parts = new Map<number, Part>();
  readonly #side: PieceMessage['side'];
  /** Parts that were new and right so far. */
  taken = 0;

  constructor(side: PieceMessage['side'], wanted: readonly WantedPiece[]) {
    this.#side = side;
    this.#wanted = new Map(wanted.map((piece) => [piece.unit, piece]));
  }

  /** Puts in what is known already; true if it is the piece that is wanted. */
  offer(unit: number, bytes: Uint8Array<ArrayBuffer>): boolean {
    const wanted = this.#wanted.get(unit);
    if (wanted?.bytes !== bytes.length) return false;
    const sha256 = sha256Hex(bytes);
    if (wanted.sha256 !== undefined && wanted.sha256 !== sha256) return false;
    this.#whole.set(unit, { sha256, bytes });
    return true;
  }

  /** One part. A refusal changed nothing, but for a piece whose bytes did not hash: all of it is forgotten. */
  take(part: PieceMessage, side: PieceMessage['side'] = this.#side): Refusal | undefined {
    const wanted = this.#wanted.get(part.unit);
    if (part.side !== side || wanted === undefined) return refusal('not-yours', 'piece-unasked', `a piece of unit ${part.unit}, ${part.side}; asked for was ${side} of ${this.#wanted.size} units`);
    // Another worker was asked for all of them, since nobody can be asked for some: what is here already is right.
    if (this.#whole.has(part.unit)) return undefined;
    if (part.total !== wanted.bytes || part.offset + part.bytes.length > part.total) return refusal('oversized', 'piece-wrong-size', `bytes ${part.offset} to ${part.offset + part.bytes.length} of ${part.total} of unit ${part.unit}, which has ${wanted.bytes}`);
    if (wanted.sha256 !== undefined && part.sha256 !== wanted.sha256) return refusal('forged', 'piece-wrong-hash', `unit ${part.unit}, ${side}, was signed as ${wanted.sha256}; the piece names ${part.sha256}`);
    const known = this.#parts.get(part.unit);
    if (part.offset !== (known?.received ?? 0) || (known !== undefined && known.sha256 !== part.sha256)) return refusal('not-yours', 'piece-out-of-order', `byte ${part.offset} of unit ${part.unit}, ${side}; the next one is byte ${known?.received ?? 0}`);
    const piece = known ?? { sha256: part.sha256, bytes: new Uint8Array(part.total), received: 0 };
    piece.bytes.set(part.bytes, part.offset);
    piece.received += part.bytes.length;
    this.#parts.set(part.unit, piece);
    this.taken++;
    if (piece.received < part.total) return undefined;
    this.#parts.delete(part.unit);
    if (sha256Hex(piece.bytes) !== part.sha256) return refusal('forged', 'piece-wrong-hash', `the bytes of unit ${part.unit}, ${side}, do not hash to ${part.sha256}`);
    this.#whole.set(part.unit, { sha256: part.sha256, bytes: piece.bytes });
    return undefined;
  }

  /** Forgets parts of pieces that are not whole: the next worker begins them anew. */
  restart(): void {
    this.#parts.clear();
  }

  get complete(): boolean {
    return this.#whole.size === this.#wanted.size;
  }

  /** The pieces in unit order; undefined while one is missing. */
  pieces(): readonly Piece[] | undefined {
    return this.complete ? [...this.#whole].sort(([a], [b]) => a - b).map(([, piece]) => piece) : undefined;
  }
}
