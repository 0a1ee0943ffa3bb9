import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { cellsOfRow, CommitmentError } from './cells.ts';
import { encodeHints } from './hints.ts';
import type { BoundaryGrid } from './cells.ts';

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

interface Hashers {
  readonly input: ReturnType<typeof sha256.create>;
  readonly payload: ReturnType<typeof sha256.create>;
  readonly canon: ReturnType<typeof sha256.create>;
  readonly link: ReturnType<typeof sha256.create>;
}

const newHashers = (): Hashers => ({ input: sha256.create(), payload: sha256.create(), canon: sha256.create(), link: sha256.create() });

/**
 * Hashes the accepted rows of one stage of one job, in position order, as they are accepted (SPEC U2). Synchronous:
 * about 35 microseconds a row at d = 576. `samples` marks the last stage, whose payload is each row followed by its id.
 */
export class UnitCommitter {
  readonly #grid: BoundaryGrid;
  readonly #samples: boolean;
  readonly #cells: Int32Array;
  readonly #cellBytes: Uint8Array;
  readonly #flags: Uint32Array;
  readonly #id = new Uint8Array(4);
  #hashers = newHashers();
  #flagCount = 0;
  #from: number;
  #next: number;

  /** `first`: the first position this stage commits to under its plan version (not 0 after a failover). */
  constructor(grid: BoundaryGrid, options: { samples: boolean; first?: number }) {
    this.#grid = grid;
    this.#samples = options.samples;
    this.#cells = new Int32Array(grid.channels);
    this.#cellBytes = new Uint8Array(this.#cells.buffer);
    this.#flags = new Uint32Array(UNIT_POSITIONS * grid.channels);
    this.#from = this.#next = options.first ?? 0;
  }

  /** First position of the unit that is open. */
  get unitFrom(): number {
    return this.#from;
  }

  /** First position not yet committed. */
  get next(): number {
    return this.#next;
  }

  /**
   * Accepts one row: `input` is the row (or the 4 bytes of the token id) this stage was given, `row` what it computed,
   * `id` the sampled id on the last stage. Returns the unit when this row completes it.
   */
  accept(position: number, input: Uint8Array, row: Float32Array, id: number = NO_ID): ClosedUnit | undefined {
    if (position !== this.#next || row.length !== this.#grid.channels) {
      throw new CommitmentError('out-of-order', `row of ${row.length} channels at position ${position}; the next one is position ${this.#next} of ${this.#grid.channels} channels`, { fault: 'bug', fields: { position, next: this.#next } });
    }
    const { input: inputHash, payload, canon, link } = this.#hashers;
    this.#flagCount = cellsOfRow(row, position, this.#grid, this.#cells, this.#flags, this.#flagCount, (position - this.#from) * this.#grid.channels);
    inputHash.update(input);
    payload.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
    canon.update(this.#cellBytes);
    if (this.#samples) {
      new DataView(this.#id.buffer).setUint32(0, id, true);
      payload.update(this.#id);
      link.update(this.#id);
    }
    this.#next++;
    return this.#next % UNIT_POSITIONS === 0 ? this.close() : undefined;
  }

  /** Closes the unit at the last accepted row (stop, cancel, new plan); undefined when it holds no row. */
  close(): ClosedUnit | undefined {
    if (this.#from === this.#next) return undefined;
    const hints = encodeHints(this.#flags, this.#flagCount);
    const { input, payload, canon, link } = this.#hashers;
    const payloadHash = toHex(payload.digest());
    const unit: ClosedUnit = {
      unit: Math.floor(this.#from / UNIT_POSITIONS),
      from: this.#from,
      to: this.#next,
      inputHash: toHex(input.digest()),
      payloadHash,
      canonHash: toHex(canon.digest()),
      hintHash: toHex(sha256(hints)),
      linkHash: this.#samples ? toHex(link.digest()) : payloadHash,
      hints,
    };
    this.#hashers = newHashers();
    this.#flagCount = 0;
    this.#from = this.#next;
    return unit;
  }
}
