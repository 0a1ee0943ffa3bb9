import { toHex } from '@ciro/core/bytes.ts';
import { AuditorError } from './audit-error.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';

export type PieceIn = Extract<CoordinatorMessage, { type: 'piece' }>;

/** Memory that pieces of all audits share. */
export interface PieceMemory {
  readonly heldBytes: number;
  /** False when the bytes do not fit any more. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}

interface OpenPiece {
  readonly sha256: string;
  readonly bytes: Uint8Array;
  received: number;
}

/**
 * Puts the pieces of one side of one audit together. They come unit by unit, each in parts from its first byte on, and must
 * hash to the name they came under; anything else ends the audit. Bounded by the units asked for and by `memory`.
 */
export class PieceInbox {
  readonly #side: PieceIn['side'];
  readonly #first: number;
  readonly #units: number;
  readonly #memory: PieceMemory;
  readonly #digest: (bytes: Uint8Array) => Promise<Uint8Array>;
  readonly #whole: Uint8Array[] = [];
  #open: OpenPiece | undefined;
  #checks: Promise<void> = Promise.resolve();
  #heldBytes = 0;

  /** Units `[first, units)`. */
  constructor(side: PieceIn['side'], units: number, memory: PieceMemory, digest: (bytes: Uint8Array) => Promise<Uint8Array>, first = 0) {
    this.#side = side;
    this.#first = first;
    this.#units = units - first;
    this.#memory = memory;
    this.#digest = digest;
  }

  /** True when the last part has come; hashes may still be under way. */
  get complete(): boolean {
    return this.#whole.length === this.#units;
  }

  /** Takes a part. Throws AuditorError `bad-piece` or `over-memory`. */
  accept({ side, unit, sha256, offset, total, bytes }: PieceIn): void {
    if (side !== this.#side || this.complete || unit !== this.#first + this.#whole.length) throw bad(`${side} of unit ${unit} came; ${this.#side} of unit ${this.#first + this.#whole.length}, of ${this.#units} from unit ${this.#first} on, is next`);
    const open = this.#open ?? this.#begin(sha256, total);
    if (sha256 !== open.sha256 || total !== open.bytes.length || offset !== open.received || offset + bytes.length > total) {
      throw bad(`bytes ${offset} to ${offset + bytes.length} of ${total} of unit ${unit} came; byte ${open.received} of ${open.bytes.length} is next`);
    }
    open.bytes.set(bytes, offset);
    open.received += bytes.length;
    if (open.received < total) return;
    this.#open = undefined;
    this.#whole.push(open.bytes);
    this.#checks = Promise.all([this.#checks, this.#check(unit, open)]).then(() => undefined);
    // Whoever waits for the pieces hears of it; until then it is not an unhandled error.
    this.#checks.catch(() => undefined);
  }

  /** The pieces in unit order, after the last one came. Rejects with AuditorError `bad-piece` when one has another hash. */
  async pieces(): Promise<readonly Uint8Array[]> {
    await this.#checks;
    return this.#whole;
  }

  /** Gives the memory back; nothing comes any more. */
  dispose(): void {
    this.#memory.give(this.#heldBytes);
    this.#heldBytes = 0;
    this.#open = undefined;
    this.#whole.splice(0);
  }

  #begin(sha256: string, total: number): OpenPiece {
    if (!this.#memory.take(total)) throw new AuditorError('over-memory', `A piece of ${total} bytes does not fit beside those that this device keeps for audits.`, { fault: 'platform' });
    this.#heldBytes += total;
    return (this.#open = { sha256, bytes: new Uint8Array(total), received: 0 });
  }

  async #check(unit: number, { sha256, bytes }: OpenPiece): Promise<void> {
    const hash = toHex(await this.#digest(bytes));
    if (hash !== sha256) throw bad(`unit ${unit} hashes to ${hash}; it was sent as ${sha256}`);
  }
}

const bad = (what: string): AuditorError => new AuditorError('bad-piece', `A piece for this audit was refused: ${what}.`, { fault: 'peer' });
