import { EngineError } from './engine-error.ts';
import { keyCacheName, newKeyName, newValueName, valueCacheName } from './graph/layer-nodes.ts';
import { KvCache } from './kv-cache.ts';
import type { Architecture, StageShape } from './architecture.ts';
import type { CachePart } from './kv-cache.ts';

/** A dense row-major tensor on its way into a session. int64 only for sizes. */
export interface FeedTensor {
  readonly data: Float32Array | BigInt64Array;
  readonly dims: readonly number[];
}

export type Feeds = Readonly<Record<string, FeedTensor>>;
export type Outputs = Readonly<Record<string, Float32Array>>;

/** What a provider must offer: run one graph. Outputs may be views that the next run overwrites. */
export interface SessionPort {
  run(feeds: Feeds): Promise<Outputs>;
  /** A provider that keeps keys and values in its own memory opens the caches of jobs itself. */
  openCache?(architecture: Architecture, shape: StageShape, maxPositions: number): JobCache;
}

/** Keys and values of one job on one stage, wherever they lie. */
export interface JobCache {
  /** Positions held. */
  readonly length: number;
  /** Positions that the layers graph's caches have room for now. */
  readonly capacity: number;
  readonly heldBytes: number;
  /** Bytes when it is full; it never holds more. */
  readonly mostBytes: number;
  /** Checks that `count` more positions may come. Throws EngineError `past-capacity`. */
  reserve(count: number): void;
  /** Runs the layers graph: `feeds` are all its inputs but the caches. Adds `count` positions and gives the outputs read back. */
  run(feeds: Feeds, count: number): Promise<Outputs>;
  /** Forgets positions from `length` on. Throws EngineError `stale-cache` if there are fewer. */
  truncate(length: number): void;
  /** A cache of its own with the first `length` positions and room for `maxPositions`. Throws EngineError `stale-cache` if there are fewer. */
  copy(length: number, maxPositions: number): JobCache;
  dispose(): void;
}

/** The cache of a provider that takes and gives plain arrays. */
export class HostCache implements JobCache {
  readonly #session: SessionPort;
  readonly #architecture: Architecture;
  readonly #shape: StageShape;
  readonly #cache: KvCache;

  /** The rows themselves, for a run of several jobs. */
  get rows(): KvCache {
    return this.#cache;
  }

  constructor(session: SessionPort, architecture: Architecture, shape: StageShape, maxPositions: number) {
    this.#session = session;
    this.#architecture = architecture;
    this.#shape = shape;
    this.#cache = new KvCache(architecture, shape.to - shape.from, maxPositions);
  }

  get length(): number {
    return this.#cache.length;
  }

  get capacity(): number {
    return this.#cache.capacity;
  }

  get heldBytes(): number {
    return this.#cache.heldBytes;
  }

  /** Allocated once for all positions. */
  get mostBytes(): number {
    return this.#cache.heldBytes;
  }

  reserve(count: number): void {
    this.#cache.reserve(count);
  }

  async run(feeds: Feeds, count: number): Promise<Outputs> {
    const { from, to } = this.#shape;
    const all: Record<string, FeedTensor> = { ...feeds };
    for (let layer = from; layer < to; layer++) {
      for (const part of CACHE_PARTS) all[cacheInput(part, layer)] = { data: this.#cache.view(layer - from, part), dims: this.#cache.dims };
    }
    const outputs = await this.#session.run(all);
    this.#cache.append(count, (index, part) => newRows(outputs, part, from + index));
    return outputs;
  }

  truncate(length: number): void {
    this.#cache.truncate(length);
  }

  copy(length: number, maxPositions: number): HostCache {
    const copy = new HostCache(this.#session, this.#architecture, this.#shape, maxPositions);
    copy.#cache.appendFrom(this.#cache, length);
    return copy;
  }

  dispose(): void {
    // The rows go with the object.
  }
}

export const CACHE_PARTS: readonly CachePart[] = ['key', 'value'];

/** The layers graph's input for keys or values of a layer that are held. */
export const cacheInput = (part: CachePart, layer: number): string => (part === 'key' ? keyCacheName : valueCacheName)(layer);

/** What a run of the layers graph adds to keys or values of a layer. Throws as `outputOf`. */
export const newRows = (outputs: Outputs, part: CachePart, layer: number): Float32Array => outputOf(outputs, (part === 'key' ? newKeyName : newValueName)(layer));

/** An output by name. Throws EngineError `session-failed` when the session did not give it. */
export function outputOf(outputs: Outputs, name: string): Float32Array {
  const value = outputs[name];
  if (!value) throw new EngineError('session-failed', `The session gave no ${name}; graph and engine do not match.`, { fault: 'bug', fields: { name } });
  return value;
}
