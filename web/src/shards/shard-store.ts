import { toHex } from '@ciro/core/bytes.ts';
import { request, stopped } from './manifest-source.ts';
import { readBody } from './read-body.ts';
import { ShardCache } from './shard-cache.ts';
import { ShardError } from './shard-error.ts';
import { evictable } from './shard-index.ts';
import { MAX_SHARD_BYTES, SHARD_CACHE_BYTES } from './shard-limits.ts';
import { SharedTasks } from './shared-tasks.ts';
import type { WantedShard } from './chunk-source.ts';
import type { Fetch } from './manifest-source.ts';
import type { ShardIndex } from './shard-index.ts';

/** How far one shard is. `fetchedBytes` came over the network, the rest from the cache. */
export interface ShardProgress {
  readonly loadedBytes: number;
  readonly fetchedBytes: number;
}

export interface ShardStorePorts {
  readonly fetch: Fetch;
  /** Undefined where the browser has none: an insecure origin. */
  readonly caches: CacheStorage | undefined;
  readonly index: ShardIndex;
  /** Fetches a shard in chunks from all who have it. Without it, or where what it gave is not the shard, it comes from the coordinator in one piece. */
  readonly chunks?: {
    download(modelId: string, shard: WantedShard, signal: AbortSignal, progress: (progress: ShardProgress) => void): Promise<Uint8Array<ArrayBuffer>>;
    /** The shard is kept whole, or its chunks were wrong. */
    forget(shard: string): Promise<void>;
  };
  /** Epoch milliseconds. */
  now(): number;
}

export interface ShardStoreOptions {
  /** URL of the coordinator, ending in a slash. */
  readonly base: string;
  readonly cacheBytes?: number;
}

export interface ShardRequest {
  readonly modelId: string;
  readonly shard: WantedShard;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ShardProgress) => void;
}

/** Shards by hash: from the cache, or from whoever gives them, checked before they are used or kept. */
export class ShardStore {
  readonly #ports: ShardStorePorts;
  readonly #options: Required<ShardStoreOptions>;
  readonly #cache: ShardCache;
  readonly #loading = new SharedTasks<Uint8Array<ArrayBuffer>, ShardProgress>();

  constructor(ports: ShardStorePorts, options: ShardStoreOptions) {
    this.#ports = ports;
    this.#options = { cacheBytes: SHARD_CACHE_BYTES, ...options };
    this.#cache = new ShardCache(ports.caches, options.base);
  }

  /**
   * The shard's bytes, which have its hash. Requests for one shard share one download.
   *
   * @throws ShardError `unreachable`, `http-status`, `wrong-length`, `wrong-hash`, `too-large` or `aborted`
   */
  async get({ modelId, shard, signal, onProgress }: ShardRequest): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.#loading.join(shard.sha256, (shared, progress) => this.#load(modelId, shard, shared, progress), { signal, onProgress: onProgress ?? (() => undefined) });
    } catch (error) {
      throw stopped(signal, `Shard ${shard.name}`) ?? error;
    }
  }

  async #load(modelId: string, shard: ShardRequest['shard'], signal: AbortSignal, progress: (progress: ShardProgress) => void): Promise<Uint8Array<ArrayBuffer>> {
    const kept = await this.#cache.get(shard.sha256);
    if (kept !== undefined) {
      if (kept.length === shard.bytes && (await sha256(kept)) === shard.sha256) {
        progress({ loadedBytes: shard.bytes, fetchedBytes: 0 });
        await this.#note(modelId, shard);
        return kept;
      }
      await this.#cache.remove(shard.sha256);
    }
    const bytes = (await this.#inChunks(modelId, shard, signal, progress)) ?? (await this.#fetchChecked(modelId, shard, signal, progress));
    if ((await this.#cache.put(shard.sha256, bytes)) === 'stored') await this.#note(modelId, shard);
    await this.#ports.chunks?.forget(shard.sha256);
    return bytes;
  }

  /** A cached shard, unchecked; undefined when there is none of that hash. */
  open(sha256: string): Promise<Blob | undefined> {
    return this.#cache.open(sha256);
  }

  /** Chunks with the hashes that were told, which together are another shard: the list was wrong, and its source is asked for the whole shard (SPEC D4). */
  async #inChunks(modelId: string, shard: ShardRequest['shard'], signal: AbortSignal, progress: (progress: ShardProgress) => void): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { chunks } = this.#ports;
    if (chunks === undefined || shard.bytes > MAX_SHARD_BYTES) return undefined;
    try {
      const bytes = await chunks.download(modelId, shard, signal, progress);
      if ((await sha256(bytes)) === shard.sha256) return bytes;
    } catch (error) {
      if (!(error instanceof ShardError) || error.code !== 'wrong-hash') throw error;
    }
    await chunks.forget(shard.sha256);
    return undefined;
  }

  /** A wrong answer may only be an old one in the HTTP cache: it is asked for once more, past that cache. */
  async #fetchChecked(modelId: string, shard: ShardRequest['shard'], signal: AbortSignal, progress: (progress: ShardProgress) => void): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.#fetch(modelId, shard, { signal }, progress);
    } catch (error) {
      if (!(error instanceof ShardError) || (error.code !== 'wrong-hash' && error.code !== 'wrong-length' && error.code !== 'too-large')) throw error;
      return this.#fetch(modelId, shard, { signal, cache: 'reload' }, progress);
    }
  }

  async #fetch(modelId: string, shard: ShardRequest['shard'], init: RequestInit & { readonly signal: AbortSignal }, progress: (progress: ShardProgress) => void): Promise<Uint8Array<ArrayBuffer>> {
    if (shard.bytes > MAX_SHARD_BYTES) throw refuse('too-large', shard, `has ${shard.bytes} bytes; at most ${MAX_SHARD_BYTES} are fetched`);
    const url = `${this.#options.base}models/${modelId}/shards/${shard.sha256}`;
    const response = await request(this.#ports.fetch, url, init);
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await readBody(response, shard.bytes, (loaded) => progress({ loadedBytes: loaded, fetchedBytes: loaded }));
    } catch (cause) {
      if (cause instanceof ShardError) throw cause;
      throw stopped(init.signal, url) ?? new ShardError('unreachable', `The connection broke while shard ${shard.name} was fetched from ${url}; try again.`, { fault: 'platform', cause });
    }
    if (bytes.length !== shard.bytes) throw refuse('wrong-length', shard, `came with ${bytes.length} bytes instead of ${shard.bytes}`);
    const hash = await sha256(bytes);
    if (hash !== shard.sha256) throw refuse('wrong-hash', shard, `came with hash ${hash} instead of ${shard.sha256}`);
    return bytes;
  }

  /** Keeps the index and the cap. Both are conveniences: a browser without IndexedDB still computes. */
  async #note(modelId: string, shard: ShardRequest['shard']): Promise<void> {
    const { index } = this.#ports;
    try {
      await index.put({ hash: shard.sha256, modelId, name: shard.name, bytes: shard.bytes, lastUsed: this.#ports.now() });
      for (const { hash } of evictable(await index.list(), this.#options.cacheBytes, shard.sha256)) {
        await this.#cache.remove(hash);
        await index.remove(hash);
      }
    } catch {
      // Nothing is listed or dropped this time; the bytes are as good as ever.
    }
  }
}

/** Whole shards through WebCrypto: four times as fast as hashing in script while they stream in, and on another thread. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

function refuse(code: 'wrong-length' | 'wrong-hash' | 'too-large', shard: ShardRequest['shard'], what: string): ShardError {
  return new ShardError(code, `Shard ${shard.name} ${what}; don't use its source.`, { fault: 'peer', fields: { name: shard.name, sha256: shard.sha256 } });
}
