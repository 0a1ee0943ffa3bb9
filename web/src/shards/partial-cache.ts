import { guardedCache } from './guarded-cache.ts';
import { MAX_PARTIAL_CHUNKS } from './shard-limits.ts';

/** Name of the Cache Storage bucket with chunks of shards that are not whole yet. */
const CACHE_NAME = 'ciro-partial-shards';

/** Chunks of unfinished shards, so that a reload goes on where it was. What cannot be kept is fetched again, and nothing else follows. */
export class PartialCache {
  readonly #storage: CacheStorage | undefined;
  readonly #base: string;

  /** `base`: URL that keys are made under, ending in a slash; nothing is ever fetched from there. */
  constructor(storage: CacheStorage | undefined, base: string) {
    this.#storage = storage;
    this.#base = base;
  }

  /** Numbers and bytes of the chunks that are kept of this shard, unchecked. */
  async *chunks(hash: string): AsyncGenerator<{ readonly chunk: number; readonly bytes: Uint8Array<ArrayBuffer> }> {
    for (const key of (await this.#guarded((cache) => this.#keysOf(cache, hash))) ?? []) {
      const found = await this.#guarded(async (cache) => (await cache.match(key))?.arrayBuffer());
      if (found !== undefined) yield { chunk: Number(key.slice(key.lastIndexOf('/') + 1)), bytes: new Uint8Array(found) };
    }
  }

  async put(hash: string, chunk: number, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#guarded((cache) => cache.put(`${this.#prefix(hash)}${chunk}`, new Response(bytes)));
  }

  /** The shard is whole, or nobody wants it. */
  async forget(hash: string): Promise<void> {
    await this.#guarded(async (cache) => {
      for (const key of await this.#keysOf(cache, hash)) await cache.delete(key);
    });
  }

  /** Drops the oldest chunks beyond the bound: those of assignments that never came back. */
  async bound(most = MAX_PARTIAL_CHUNKS): Promise<void> {
    await this.#guarded(async (cache) => {
      const keys = await cache.keys();
      for (const { url } of keys.slice(0, Math.max(0, keys.length - most))) await cache.delete(url);
    });
  }

  async #keysOf(cache: Cache, hash: string): Promise<string[]> {
    const prefix = this.#prefix(hash);
    return (await cache.keys()).map(({ url }) => url).filter((url) => url.startsWith(prefix));
  }

  #prefix(hash: string): string {
    return `${this.#base}partial/${hash}/`;
  }

  #guarded<Result>(use: (cache: Cache) => Promise<Result>): Promise<Result | undefined> {
    return guardedCache(this.#storage, CACHE_NAME, use);
  }
}
