import { guardedCache } from './guarded-cache.ts';
import { UNCACHED_BYTES } from './shard-limits.ts';

/** Name of the Cache Storage bucket; what lies in it is named by its content and never changes. */
const CACHE_NAME = 'ciro-shards';

/** Where shards are kept: Cache Storage, or memory for what the browser does not take (full disk, private window, insecure origin). */
export class ShardCache {
  readonly #storage: CacheStorage | undefined;
  readonly #base: string;
  readonly #memory = new Map<string, Uint8Array<ArrayBuffer>>();

  /** `base`: URL that keys are made under, ending in a slash; nothing is ever fetched from there. */
  constructor(storage: CacheStorage | undefined, base: string) {
    this.#storage = storage;
    this.#base = base;
  }

  /** Bytes kept under this hash, unchecked: a disk may have changed them. */
  async get(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const inMemory = this.#memory.get(hash);
    if (inMemory !== undefined) return inMemory;
    const found = await this.#guarded((cache) => cache.match(this.#key(hash)));
    return found === undefined ? undefined : new Uint8Array(await found.arrayBuffer());
  }

  /** The same without reading it: parts of it are read one by one. */
  async open(hash: string): Promise<Blob | undefined> {
    const inMemory = this.#memory.get(hash);
    if (inMemory !== undefined) return new Blob([inMemory]);
    return this.#guarded(async (cache) => (await cache.match(this.#key(hash)))?.blob());
  }

  /** Stores bytes; `memory` when the browser refused them. */
  async put(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<'stored' | 'memory'> {
    try {
      const cache = await this.#storage?.open(CACHE_NAME);
      if (cache !== undefined) {
        await cache.put(this.#key(hash), new Response(bytes, { headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) } }));
        return 'stored';
      }
    } catch {
      // QuotaExceededError above all: the shard is still good for this visit.
    }
    this.#memory.set(hash, bytes);
    this.#bound();
    return 'memory';
  }

  async remove(hash: string): Promise<void> {
    this.#memory.delete(hash);
    await this.#guarded((cache) => cache.delete(this.#key(hash)));
  }

  #key(hash: string): string {
    return `${this.#base}shards/${hash}`;
  }

  #guarded<Result>(use: (cache: Cache) => Promise<Result>): Promise<Result | undefined> {
    return guardedCache(this.#storage, CACHE_NAME, use);
  }

  /** The oldest go first; the newest stays even if it alone is too big, since somebody is about to use it. */
  #bound(): void {
    let held = [...this.#memory.values()].reduce((sum, bytes) => sum + bytes.length, 0);
    for (const [hash, bytes] of this.#memory) {
      if (held <= UNCACHED_BYTES || this.#memory.size === 1) break;
      this.#memory.delete(hash);
      held -= bytes.length;
    }
  }
}
