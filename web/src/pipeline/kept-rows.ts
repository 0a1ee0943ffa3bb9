import { payloadWithIds, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { RetainedRows } from './retained-rows.ts';
import type { RunStarts } from './run-starts.ts';

/** What one stage was given and gave over positions `[0, positions)`, all of them committed. */
export interface JobRows {
  readonly job: JobId;
  readonly version: number;
  readonly positions: number;
  readonly inputs: RetainedRows;
  readonly outputs: RetainedRows<Float32Array>;
  /** Last stage: the id that followed each position. */
  readonly following: Uint32Array | undefined;
  /** In which runs they were computed. */
  readonly runs: RunStarts;
}

/** Rows of a job that is over, unit by unit as its receipts hashed them (SPEC U2): what an audit asks for. */
export class KeptRows {
  readonly job: JobId;
  readonly version: number;
  readonly #rows: JobRows;

  constructor(rows: JobRows) {
    this.job = rows.job;
    this.version = rows.version;
    this.#rows = rows;
  }

  /** Rows of these positions are here. */
  get positions(): number {
    return this.#rows.positions;
  }

  /** Puts the first `positions` where another job of the same stage has its own. */
  copyTo(positions: number, inputs: RetainedRows, outputs: RetainedRows<Float32Array>): void {
    inputs.at(0, positions).set(this.#rows.inputs.at(0, positions));
    outputs.at(0, positions).set(this.#rows.outputs.at(0, positions));
  }

  /** In which runs its positions were computed. */
  get runs(): RunStarts {
    return this.#rows.runs;
  }

  /** True when the first stage was given these ids, from position 0 on. */
  beginsWith(ids: Uint32Array): boolean {
    return this.#rows.inputs.at(0, ids.length).every((id, position) => id === ids[position]);
  }

  get units(): number {
    return Math.ceil(this.#rows.positions / UNIT_POSITIONS);
  }

  /** Bytes that this holds in memory. */
  get bytes(): number {
    const { inputs, outputs, following, runs } = this.#rows;
    return inputs.heldBytes + outputs.heldBytes + (following?.byteLength ?? 0) + runs.heldBytes;
  }

  /** The bytes that a unit's inputHash or payloadHash is over. A view, or for the last stage's payload a copy. */
  piece(side: 'input' | 'payload', unit: number): Uint8Array {
    const { inputs, outputs, following, positions } = this.#rows;
    const from = unit * UNIT_POSITIONS;
    const count = Math.min(UNIT_POSITIONS, positions - from);
    if (side === 'input') return inputs.bytes(from, count);
    const rows = outputs.bytes(from, count);
    return following === undefined ? rows : payloadWithIds(rows, new Uint8Array(following.buffer, following.byteOffset + 4 * from, 4 * count));
  }
}
