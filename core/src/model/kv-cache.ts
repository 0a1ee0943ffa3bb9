import { EngineError } from './engine-error.ts';
import type { Architecture } from './architecture.ts';

/**
 * Capacity grows in steps of this many positions: small enough that a short job reads little, large enough that shapes
 * change rarely. Never zero, since zero-size tensors are refused by some providers.
 */
export const CAPACITY_STEP_POSITIONS = 64;

/** Keys or values of one layer, [1, kvHeads, capacity, headDim]; positions past the length are zero. */
export type CachePart = 'key' | 'value';

/**
 * Keys and values of one job on one stage. Allocated once for the job's most positions; at a capacity step the rows are
 * moved apart in place, so nothing grows while a job runs.
 */
export class KvCache {
  readonly maxPositions: number;
  readonly #layers: number;
  readonly #kvHeads: number;
  readonly #headDim: number;
  readonly #store: Float32Array;
  #capacity = CAPACITY_STEP_POSITIONS;
  #length = 0;

  constructor(architecture: Architecture, layers: number, maxPositions: number) {
    this.maxPositions = maxPositions;
    this.#layers = layers;
    this.#kvHeads = architecture.kvHeads;
    this.#headDim = architecture.headDim;
    const most = Math.ceil(Math.max(maxPositions, 1) / CAPACITY_STEP_POSITIONS) * CAPACITY_STEP_POSITIONS;
    this.#store = new Float32Array(2 * layers * this.#kvHeads * most * this.#headDim);
  }

  /** Bytes that a cache will hold, for admission before it is allocated. */
  static bytesFor(architecture: Architecture, layers: number, maxPositions: number): number {
    const most = Math.ceil(Math.max(maxPositions, 1) / CAPACITY_STEP_POSITIONS) * CAPACITY_STEP_POSITIONS;
    return 4 * 2 * layers * architecture.kvHeads * most * architecture.headDim;
  }

  /** Positions held. */
  get length(): number {
    return this.#length;
  }

  /** Positions that the views have room for; a multiple of CAPACITY_STEP_POSITIONS. */
  get capacity(): number {
    return this.#capacity;
  }

  get heldBytes(): number {
    return this.#store.byteLength;
  }

  get dims(): [number, number, number, number] {
    return [1, this.#kvHeads, this.#capacity, this.#headDim];
  }

  /** Keys or values of the stage's `index`-th layer, as a view that stays valid until the next `append`. */
  view(index: number, part: CachePart): Float32Array {
    const size = this.#kvHeads * this.#capacity * this.#headDim;
    const first = (2 * index + (part === 'key' ? 0 : 1)) * size;
    return this.#store.subarray(first, first + size);
  }

  /** Makes room for `count` more positions. Throws EngineError `past-capacity` beyond the job's most positions. */
  reserve(count: number): void {
    const needed = this.#length + count;
    if (needed > this.maxPositions) {
      throw new EngineError('past-capacity', `Position ${needed - 1} is past the ${this.maxPositions} positions this job was opened with.`, {
        fault: 'peer',
        fields: { needed, maxPositions: this.maxPositions },
      });
    }
  }

  /**
   * Adds `count` positions to every layer.
   * `rows(index, part)` gives [kvHeads, count, headDim] of the stage's `index`-th layer.
   */
  append(count: number, rows: (index: number, part: CachePart) => Float32Array): void {
    this.reserve(count);
    while (this.#length + count > this.#capacity) this.#spread(this.#capacity + CAPACITY_STEP_POSITIONS);
    for (let index = 0; index < this.#layers; index++) {
      for (const part of ['key', 'value'] as const) {
        const view = this.view(index, part);
        const added = rows(index, part);
        for (let head = 0; head < this.#kvHeads; head++) {
          const from = head * count * this.#headDim;
          view.set(added.subarray(from, from + count * this.#headDim), (head * this.#capacity + this.#length) * this.#headDim);
        }
      }
    }
    this.#length += count;
  }

  /** Forgets positions from `length` on: rejected drafts, or a replay. Throws EngineError `stale-cache` if there are fewer. */
  truncate(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) {
      throw new EngineError('stale-cache', `Cannot cut a cache of ${this.#length} positions to ${length}.`, {
        fault: 'peer',
        fields: { length, held: this.#length },
      });
    }
    for (let block = 0; block < 2 * this.#layers * this.#kvHeads; block++) {
      const first = block * this.#capacity;
      this.#store.fill(0, (first + length) * this.#headDim, (first + this.#length) * this.#headDim);
    }
    this.#length = length;
  }

  /** Re-lays every head's rows for a larger capacity, last one first because each moves towards the end. */
  #spread(capacity: number): void {
    const held = this.#length * this.#headDim;
    for (let block = 2 * this.#layers * this.#kvHeads - 1; block >= 0; block--) {
      const from = block * this.#capacity * this.#headDim;
      const to = block * capacity * this.#headDim;
      this.#store.copyWithin(to, from, from + held);
      this.#store.fill(0, to + held, to + capacity * this.#headDim);
    }
    this.#capacity = capacity;
  }
}
