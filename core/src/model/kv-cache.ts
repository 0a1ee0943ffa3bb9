import { CachePositions, stepsFor } from './cache-positions.ts';
import type { Architecture } from './architecture.ts';

/** Keys or values of one layer, [1, kvHeads, capacity, headDim]; positions past the length are zero. */
export type CachePart = 'key' | 'value';

/**
 * Keys and values of one job on one stage, in this program's memory. Allocated once for the job's most positions; at a
 * capacity step the rows are moved apart in place, so nothing grows while a job runs.
 */
export class KvCache {
  readonly #layers: number;
  readonly #kvHeads: number;
  readonly #headDim: number;
  readonly #positions: CachePositions;
  readonly #store: Float32Array;

  constructor(architecture: Architecture, layers: number, maxPositions: number) {
    this.#layers = layers;
    this.#kvHeads = architecture.kvHeads;
    this.#headDim = architecture.headDim;
    this.#positions = new CachePositions(maxPositions);
    this.#store = new Float32Array(KvCache.bytesFor(architecture, layers, maxPositions) / 4);
  }

  /** Bytes that a cache will hold, for admission before it is allocated. */
  static bytesFor(architecture: Architecture, layers: number, maxPositions: number): number {
    return 4 * 2 * layers * architecture.kvHeads * stepsFor(maxPositions) * architecture.headDim;
  }

  /** Positions held. */
  get length(): number {
    return this.#positions.length;
  }

  /** Positions that the views have room for; a multiple of CAPACITY_STEP_POSITIONS. */
  get capacity(): number {
    return this.#positions.capacity;
  }

  get heldBytes(): number {
    return this.#store.byteLength;
  }

  get dims(): [number, number, number, number] {
    return [1, this.#kvHeads, this.capacity, this.#headDim];
  }

  /** Keys or values of the stage's `index`-th layer, as a view that stays valid until the next `append`. */
  view(index: number, part: CachePart): Float32Array {
    const size = this.#kvHeads * this.capacity * this.#headDim;
    const first = (2 * index + (part === 'key' ? 0 : 1)) * size;
    return this.#store.subarray(first, first + size);
  }

  /** Checks that `count` more positions may come. Throws EngineError `past-capacity`. */
  reserve(count: number): void {
    this.#positions.reserve(count);
  }

  /**
   * Adds `count` positions to every layer. Throws EngineError `past-capacity`.
   * `rows(index, part)` gives [kvHeads, count, headDim] of the stage's `index`-th layer.
   */
  append(count: number, rows: (index: number, part: CachePart) => Float32Array): void {
    const first = this.length;
    this.#positions.advance(count, (capacity) => this.#spread(capacity));
    for (let index = 0; index < this.#layers; index++) {
      for (const part of ['key', 'value'] as const) {
        const view = this.view(index, part);
        const added = rows(index, part);
        for (let head = 0; head < this.#kvHeads; head++) {
          const from = head * count * this.#headDim;
          view.set(added.subarray(from, from + count * this.#headDim), (head * this.capacity + first) * this.#headDim);
        }
      }
    }
  }

  /** Adds the first `count` positions of another cache of the same layers. Throws EngineError `stale-cache` if it holds fewer, `past-capacity`. */
  appendFrom(other: KvCache, count: number): void {
    other.#positions.demand(count);
    const [first, held] = [this.length, count * this.#headDim];
    this.#positions.advance(count, (capacity) => this.#spread(capacity));
    for (let block = 0; block < 2 * this.#layers * this.#kvHeads; block++) {
      const from = block * other.capacity * this.#headDim;
      this.#store.set(other.#store.subarray(from, from + held), (block * this.capacity + first) * this.#headDim);
    }
  }

  /** Copies what is held of the stage's `index`-th layer to `target` at `first`, as [kvHeads, capacity, headDim]; what lies past the length there stays. */
  copyTo(target: Float32Array, first: number, index: number, part: CachePart, capacity: number): void {
    const view = this.view(index, part);
    const held = this.length * this.#headDim;
    for (let head = 0; head < this.#kvHeads; head++) {
      const from = head * this.capacity * this.#headDim;
      target.set(view.subarray(from, from + held), first + head * capacity * this.#headDim);
    }
  }

  /** Forgets positions from `length` on: rejected drafts, or a replay. Throws EngineError `stale-cache` if there are fewer. */
  truncate(length: number): void {
    const held = this.length;
    this.#positions.truncate(length);
    for (let block = 0; block < 2 * this.#layers * this.#kvHeads; block++) {
      const first = block * this.capacity;
      this.#store.fill(0, (first + length) * this.#headDim, (first + held) * this.#headDim);
    }
  }

  /** Re-lays every head's rows for a larger capacity, last one first because each moves towards the end. */
  #spread(capacity: number): void {
    const held = this.length * this.#headDim;
    for (let block = 2 * this.#layers * this.#kvHeads - 1; block >= 0; block--) {
      const from = block * this.capacity * this.#headDim;
      const to = block * capacity * this.#headDim;
      this.#store.copyWithin(to, from, from + held);
      this.#store.fill(0, to + held, to + capacity * this.#headDim);
    }
  }
}
