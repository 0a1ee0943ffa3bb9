import { cellsOfRow, CommitmentError } from './cells.ts';
import { encodeHints } from './hints.ts';
import { UNIT_POSITIONS } from './unit-hashes.ts';
import type { BoundaryGrid } from './cells.ts';

/** Cells and hints of the rows of one unit (SPEC C2, C3). The arrays belong to the caller. */
export interface UnitCut {
  readonly unit: number;
  readonly from: number;
  readonly to: number;
  /** int32 per element, as the little-endian bytes that are hashed. */
  readonly cells: Uint8Array<ArrayBuffer>;
  readonly hints: Uint8Array;
}

/**
 * The part of a commitment that has to look at every number while it is fresh: which cell, and how near its edge. About
 * 5 microseconds a row at d = 576 in a browser, between two runs of the engine. Rows come in position order as they are
 * accepted; units lie on the fixed grid (SPEC U1).
 */
export class UnitCells {
  readonly #grid: BoundaryGrid;
  readonly #flags: Uint32Array;
  #cells: Int32Array<ArrayBuffer>;
  #flagCount = 0;
  #from: number;
  #next: number;

  /** `first`: the first position this stage commits to under its plan version (not 0 after a failover). */
  constructor(grid: BoundaryGrid, first = 0) {
    this.#grid = grid;
    this.#flags = new Uint32Array(UNIT_POSITIONS * grid.channels);
    this.#cells = new Int32Array(UNIT_POSITIONS * grid.channels);
    this.#from = this.#next = first;
  }

  /** First position of the open unit. */
  get from(): number {
    return this.#from;
  }

  /** First position that was not accepted yet. */
  get next(): number {
    return this.#next;
  }

  /** Accepts a row; gives the unit when this row completes it. Throws CommitmentError, and is then as it was before. */
  accept(position: number, row: Float32Array): UnitCut | undefined {
    const { channels } = this.#grid;
    if (position !== this.#next || row.length !== channels) {
      throw new CommitmentError('out-of-order', `row of ${row.length} channels at position ${position}; the next one is position ${this.#next} of ${channels} channels`, { fault: 'bug', fields: { position, next: this.#next } });
    }
    const first = (position - this.#from) * channels;
    this.#flagCount = cellsOfRow(row, position, this.#grid, this.#cells.subarray(first, first + channels), this.#flags, this.#flagCount, first);
    this.#next++;
    return this.#next % UNIT_POSITIONS === 0 ? this.close() : undefined;
  }

  /** Closes the unit at the last accepted row (stop, cancel, new plan); undefined when it holds no row. */
  close(): UnitCut | undefined {
    if (this.#from === this.#next) return undefined;
    const elements = (this.#next - this.#from) * this.#grid.channels;
    const cut = {
      unit: Math.floor(this.#from / UNIT_POSITIONS),
      from: this.#from,
      to: this.#next,
      cells: new Uint8Array(this.#cells.buffer, 0, elements * this.#cells.BYTES_PER_ELEMENT),
      hints: encodeHints(this.#flags, this.#flagCount),
    };
    this.#cells = new Int32Array(UNIT_POSITIONS * this.#grid.channels);
    this.#flagCount = 0;
    this.#from = this.#next;
    return cut;
  }
}
