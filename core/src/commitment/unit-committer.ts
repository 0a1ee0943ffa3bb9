import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../bytes.ts';
import { UnitCells } from './unit-cells.ts';
import { NO_ID, UNIT_POSITIONS } from './unit-hashes.ts';
import type { BoundaryGrid } from './cells.ts';
import type { UnitCut } from './unit-cells.ts';
import type { ClosedUnit, UnitHashes } from './unit-hashes.ts';

export { NO_ID, UNIT_POSITIONS };
export type { ClosedUnit, UnitHashes };

interface Hashers {
  readonly input: ReturnType<typeof sha256.create>;
  readonly payload: ReturnType<typeof sha256.create>;
  readonly link: ReturnType<typeof sha256.create>;
}

const newHashers = (): Hashers => ({ input: sha256.create(), payload: sha256.create(), link: sha256.create() });

/**
 * Commits to rows that are not kept: hashes them in script as they are accepted (SPEC U2). Gives what `UnitCells` and
 * `hashUnit` give; 35 microseconds a row at d = 576 in Node, but 100 in Chromium, where the pipeline takes those two instead.
 * `samples` marks the last stage, whose payload is each row followed by its id.
 */
export class UnitCommitter {
  readonly #cells: UnitCells;
  readonly #samples: boolean;
  readonly #id = new Uint8Array(4);
  #hashers = newHashers();

  /** `first`: the first position this stage commits to under its plan version (not 0 after a failover). */
  constructor(grid: BoundaryGrid, options: { samples: boolean; first?: number }) {
    this.#cells = new UnitCells(grid, options.first);
    this.#samples = options.samples;
  }

  /** First position not yet committed. */
  get next(): number {
    return this.#cells.next;
  }

  /**
   * Accepts one row: `input` is the row (or the 4 bytes of the token id) this stage was given, `row` what it computed,
   * `id` the sampled id on the last stage. Returns the unit when this row completes it. Throws as `UnitCells.accept`.
   */
  accept(position: number, input: Uint8Array, row: Float32Array, id: number = NO_ID): ClosedUnit | undefined {
    const cut = this.#cells.accept(position, row);
    this.#hashers.input.update(input);
    this.#hashers.payload.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
    if (this.#samples) {
      new DataView(this.#id.buffer).setUint32(0, id, true);
      this.#hashers.payload.update(this.#id);
      this.#hashers.link.update(this.#id);
    }
    return cut && this.#closed(cut);
  }

  /** Closes the unit at the last accepted row (stop, cancel, new plan); undefined when it holds no row. */
  close(): ClosedUnit | undefined {
    const cut = this.#cells.close();
    return cut && this.#closed(cut);
  }

  #closed({ unit, from, to, cells, hints }: UnitCut): ClosedUnit {
    const { input, payload, link } = this.#hashers;
    this.#hashers = newHashers();
    const payloadHash = toHex(payload.digest());
    return {
      unit,
      from,
      to,
      inputHash: toHex(input.digest()),
      payloadHash,
      canonHash: toHex(sha256(cells)),
      hintHash: toHex(sha256(hints)),
      linkHash: this.#samples ? toHex(link.digest()) : payloadHash,
      hints,
    };
  }
}
