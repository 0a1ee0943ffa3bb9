import { CACHE_PARTS, cacheInput, newRows } from './job-cache.ts';
import type { Architecture, StageShape } from './architecture.ts';
import type { Feeds, FeedTensor, Outputs, SessionPort } from './job-cache.ts';
import type { KvCache } from './kv-cache.ts';

/**
 * Runs the layers graph for one next position of several jobs. The graph reads their keys and values as one tensor a layer, so
 * they are copied side by side first, each with room for the longest; what is copied is scratch, and may be given back at any time.
 */
export class BatchRun {
  readonly #session: SessionPort;
  readonly #architecture: Architecture;
  readonly #shape: StageShape;
  #scratch = new Float32Array(0);

  constructor(session: SessionPort, architecture: Architecture, shape: StageShape) {
    this.#session = session;
    this.#architecture = architecture;
    this.#shape = shape;
  }

  get heldBytes(): number {
    return this.#scratch.byteLength;
  }

  /** Bytes that these caches take side by side. */
  bytesFor(caches: readonly KvCache[]): number {
    return 4 * 2 * (this.#shape.to - this.#shape.from) * caches.length * this.#slotFloats(capacityOf(caches));
  }

  release(): void {
    this.#scratch = new Float32Array(0);
  }

  /** `feeds`: all inputs of the graph but the caches, for B = caches and T = 1. Adds one position to every cache; none when the run fails. */
  async run(feeds: Feeds, caches: readonly KvCache[]): Promise<Outputs> {
    const { from, to } = this.#shape;
    const { kvHeads, headDim } = this.#architecture;
    const capacity = capacityOf(caches);
    const bytes = this.bytesFor(caches);
    if (this.#scratch.byteLength < bytes) this.#scratch = new Float32Array(bytes / 4);
    const slot = this.#slotFloats(capacity);
    const all: Record<string, FeedTensor> = { ...feeds };
    let first = 0;
    for (let layer = from; layer < to; layer++) {
      for (const part of CACHE_PARTS) {
        caches.forEach((cache, index) => cache.copyTo(this.#scratch, first + index * slot, layer - from, part, capacity));
        all[cacheInput(part, layer)] = { data: this.#scratch.subarray(first, first + caches.length * slot), dims: [caches.length, kvHeads, capacity, headDim] };
        first += caches.length * slot;
      }
    }
    const outputs = await this.#session.run(all);
    const width = kvHeads * headDim;
    for (const [index, cache] of caches.entries()) {
      cache.append(1, (layer, part) => newRows(outputs, part, from + layer).subarray(index * width, (index + 1) * width));
    }
    return outputs;
  }

  #slotFloats(capacity: number): number {
    return this.#architecture.kvHeads * capacity * this.#architecture.headDim;
  }
}

/** Positions that each job of a batch has room for: as many as the longest. */
export const capacityOf = (caches: readonly KvCache[]): number => Math.max(...caches.map((cache) => cache.capacity));
