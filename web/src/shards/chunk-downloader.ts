import { equalBytes, toHex } from '@ciro/core/bytes.ts';
import { chunkCount, chunkSpan } from '@ciro/core/model/shard-chunks.ts';
import { SourceBusy } from './chunk-source.ts';
import { stopped } from './manifest-source.ts';
import { ShardError } from './shard-error.ts';
import { LOOK_MS, MAX_COORDINATOR_FAILURES } from './shard-limits.ts';
import { keyOf, SourcePolicy } from './source-policy.ts';
import type { ChunkSource, GivenChunk, SourceKind, WantedShard } from './chunk-source.ts';
import type { ChunkName, Pick as Asked } from './source-policy.ts';
import type { ShardProgress } from './shard-store.ts';

/** Wrong bytes from a source, for whoever has a use for that. */
export interface BadChunk {
  readonly source: string;
  readonly modelId: string;
  readonly shard: string;
  readonly chunk: number;
  readonly sha256: string;
  readonly signature: string | null;
}

export interface DownloaderPorts {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Runs `task` once after `ms`; the returned function cancels it. */
  after(ms: number, task: () => void): () => void;
  digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** SHA-256 of each chunk (SPEC D4). Throws ShardError. */
  hashes(modelId: string, shard: WantedShard, signal: AbortSignal): Promise<readonly Uint8Array[]>;
  readonly partials: {
    chunks(hash: string): AsyncIterable<{ readonly chunk: number; readonly bytes: Uint8Array<ArrayBuffer> }>;
    put(hash: string, chunk: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
    bound(): Promise<void>;
  };
  /** Checked bytes came from a source. */
  took(source: string, kind: SourceKind, bytes: number): void;
  bad(chunk: BadChunk): void;
  /** A source was given up. */
  dropped(source: string): void;
}

/** One shard on its way. */
interface Download {
  readonly modelId: string;
  readonly shard: WantedShard;
  readonly hashes: readonly Uint8Array[];
  readonly body: Uint8Array<ArrayBuffer>;
  readonly missing: Set<number>;
  leftBytes: number;
  fetchedBytes: number;
  /** Chunks that are being kept. */
  readonly kept: Promise<void>[];
  progress(progress: ShardProgress): void;
  done(): void;
  fail(error: unknown): void;
}

/**
 * Fetches shards chunk by chunk from all sources at once; which is asked for what is the policy's. Every chunk is checked as it comes, kept, and found
 * again after a reload. The coordinator, the one source that is never given up, decides when nothing more can be had.
 */
export class ChunkDownloader {
  readonly #ports: DownloaderPorts;
  readonly #policy = new SourcePolicy();
  readonly #sources = new Map<string, ChunkSource>();
  readonly #downloads = new Map<string, Download>();
  readonly #requests = new Map<string, AbortController>();
  #failures = 0;
  #cancelLook: (() => void) | undefined;

  constructor(ports: DownloaderPorts, coordinator: ChunkSource) {
    this.#ports = ports;
    this.add(coordinator);
  }

  /** Another source, from now on; one of the same name is replaced. */
  add(source: ChunkSource): void {
    this.remove(source.id);
    this.#sources.set(source.id, source);
    this.#policy.add({ id: source.id, window: source.window, lasting: source.kind === 'coordinator', has: (shard) => source.has(shard) });
    this.#pump();
  }

  remove(id: string): void {
    if (!this.#sources.delete(id)) return;
    this.#policy.remove(id);
    for (const [key, request] of this.#requests) if (key.startsWith(`${id} `)) request.abort();
    this.#pump();
  }

  /** Shards that are being fetched. */
  get wanted(): ReadonlySet<string> {
    return new Set(this.#downloads.keys());
  }

  /**
   * All bytes of a shard, each chunk with the hash that was told for it: what they are together is the caller's to check. Of one shard one download at a time.
   *
   * @throws ShardError `unreachable`, `http-status`, `wrong-length`, `wrong-hash`, `too-large` or `aborted`
   */
  async download(modelId: string, shard: WantedShard, signal: AbortSignal, progress: (progress: ShardProgress) => void): Promise<Uint8Array<ArrayBuffer>> {
    await this.#ports.partials.bound();
    const hashes = await this.#ports.hashes(modelId, shard, signal);
    const body = new Uint8Array(shard.bytes);
    const missing = new Set(Array.from({ length: chunkCount(shard.bytes) }, (_, chunk) => chunk));
    for await (const { chunk, bytes } of this.#ports.partials.chunks(shard.sha256)) {
      const hash = hashes[chunk];
      if (hash === undefined || !missing.has(chunk) || !equalBytes(await this.#ports.digest(bytes), hash)) continue;
      body.set(bytes, chunkSpan(shard.bytes, chunk).from);
      missing.delete(chunk);
    }
    signal.throwIfAborted();
    if (missing.size === 0) return body;
    const leftBytes = [...missing].reduce((sum, chunk) => sum + nameOf(shard, chunk).bytes, 0);
    const kept: Promise<void>[] = [];
    if (this.#downloads.size === 0) this.#failures = 0;
    const stop = (): void => this.#downloads.get(shard.sha256)?.fail(stopped(signal, `Shard ${shard.name}`));
    signal.addEventListener('abort', stop, { once: true });
    try {
      await new Promise<void>((done, fail) => {
        this.#downloads.set(shard.sha256, { modelId, shard, hashes, body, missing, leftBytes, fetchedBytes: 0, kept, progress, done, fail });
        this.#policy.want([...missing].map((chunk) => nameOf(shard, chunk)));
        this.#pump();
      });
      // What is kept after it is forgotten would stay.
      await Promise.all(kept);
      return body;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#downloads.delete(shard.sha256);
      this.#policy.forget(shard.sha256);
      for (const [key, request] of this.#requests) if (key.includes(` ${shard.sha256}/`)) request.abort();
      this.#pump();
    }
  }

  #pump(): void {
    for (const asked of this.#policy.pick(this.#ports.now())) void this.#ask(asked);
    if (this.#downloads.size === 0) {
      this.#cancelLook?.();
      this.#cancelLook = undefined;
      return;
    }
    this.#cancelLook ??= this.#ports.after(LOOK_MS, () => {
      this.#cancelLook = undefined;
      for (const late of this.#policy.late(this.#ports.now())) this.#late(late);
      this.#pump();
    });
  }

  #late({ source, chunk }: Asked): void {
    this.#requests.get(requestOf(source, chunk))?.abort();
    this.#requests.delete(requestOf(source, chunk));
    this.#refused(source, chunk, 'late');
  }

  async #ask({ source: id, chunk }: Asked): Promise<void> {
    const [source, download] = [this.#sources.get(id), this.#downloads.get(chunk.shard)];
    if (source === undefined || download === undefined) return;
    const request = new AbortController();
    const key = requestOf(id, chunk);
    this.#requests.set(key, request);
    const isWanted = (): boolean => this.#requests.get(key) === request && this.#downloads.get(chunk.shard) === download && !request.signal.aborted;
    try {
      const given = await source.fetch(download.modelId, download.shard, chunk.chunk, request.signal);
      const digest = await this.#ports.digest(given.bytes);
      if (!isWanted()) return;
      this.#requests.delete(key);
      if (equalBytes(digest, download.hashes[chunk.chunk] ?? digest.subarray(0, 0))) this.#took(source, download, chunk, given);
      else this.#wrong(source, download, chunk, toHex(digest), given.signature);
    } catch (error) {
      if (!isWanted()) return;
      this.#requests.delete(key);
      this.#missed(source, download, chunk, error);
    } finally {
      if (this.#requests.get(key) === request) this.#requests.delete(key);
    }
    this.#pump();
  }

  #took(source: ChunkSource, download: Download, chunk: ChunkName, { bytes }: GivenChunk): void {
    const { shard, body, missing, progress, done } = download;
    for (const other of this.#policy.arrived(source.id, chunk, this.#ports.now())) {
      this.#requests.get(requestOf(other, chunk))?.abort();
      this.#requests.delete(requestOf(other, chunk));
    }
    if (source.kind === 'coordinator') this.#failures = 0;
    if (!missing.delete(chunk.chunk)) return;
    body.set(bytes, chunkSpan(shard.bytes, chunk.chunk).from);
    download.fetchedBytes += bytes.length;
    download.leftBytes -= bytes.length;
    this.#ports.took(source.id, source.kind, bytes.length);
    progress({ loadedBytes: shard.bytes - download.leftBytes, fetchedBytes: download.fetchedBytes });
    if (missing.size === 0) return done();
    download.kept.push(this.#ports.partials.put(shard.sha256, chunk.chunk, bytes));
  }

  /** A neighbour or a public file that gives other bytes gives no more. The coordinator told the hash itself: the shard is asked for whole then. */
  #wrong(source: ChunkSource, download: Download, chunk: ChunkName, sha256: string, signature: string | null): void {
    if (source.kind === 'coordinator') return download.fail(new ShardError('wrong-hash', `Chunk ${chunk.chunk} of shard ${download.shard.name} came from the coordinator with hash ${sha256}; it told another one.`, { fault: 'peer' }));
    this.remove(source.id);
    this.#ports.dropped(source.id);
    this.#ports.bad({ source: source.id, modelId: download.modelId, shard: chunk.shard, chunk: chunk.chunk, sha256, signature });
  }

  #missed(source: ChunkSource, download: Download, chunk: ChunkName, error: unknown): void {
    if (error instanceof SourceBusy) return this.#refused(source.id, chunk, 'busy');
    this.#refused(source.id, chunk, 'failed');
    if (source.kind !== 'coordinator') return;
    this.#failures++;
    const elsewhere = [...this.#sources.values()].some((each) => each !== source && each.has(chunk.shard));
    const forGood = error instanceof ShardError && error.code !== 'unreachable';
    if (!elsewhere && (forGood || this.#failures >= MAX_COORDINATOR_FAILURES)) download.fail(error);
  }

  #refused(id: string, chunk: ChunkName, why: 'busy' | 'failed' | 'late'): void {
    if (!this.#policy.refused(id, chunk, why, this.#ports.now())) return;
    this.remove(id);
    this.#ports.dropped(id);
  }
}

const nameOf = (shard: WantedShard, chunk: number): ChunkName => {
  const { from, to } = chunkSpan(shard.bytes, chunk);
  return { shard: shard.sha256, chunk, bytes: to - from };
};
const requestOf = (source: string, chunk: ChunkName): string => `${source} ${keyOf(chunk)}`;
