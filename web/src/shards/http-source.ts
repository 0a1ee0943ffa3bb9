import { chunkSpan, fileRanges } from '@ciro/core/model/shard-chunks.ts';
import { request, stopped } from './manifest-source.ts';
import { readBody } from './read-body.ts';
import { ShardError } from './shard-error.ts';
import { HTTP_WINDOW_CHUNKS } from './shard-limits.ts';
import type { ChunkSource } from './chunk-source.ts';
import type { Fetch } from './manifest-source.ts';

/** A range is asked for past the HTTP cache: browsers let requests for parts of one address wait for each other there, and shards have a cache of their own. */
const PLAIN: RequestInit = { cache: 'no-store' };
/** Nothing of the volunteer's goes to another site. */
const ELSEWHERE: RequestInit = { ...PLAIN, mode: 'cors', credentials: 'omit', referrerPolicy: 'no-referrer' };

/** The coordinator: it has every shard, by its hash. `base`: its URL, ending in a slash. */
export function coordinatorSource(fetch: Fetch, base: string): ChunkSource {
  return {
    id: 'coordinator',
    kind: 'coordinator',
    window: HTTP_WINDOW_CHUNKS,
    has: () => true,
    async fetch(modelId, shard, chunk, signal) {
      const { from, to } = chunkSpan(shard.bytes, chunk);
      return { bytes: await fetchRange(fetch, `${base}models/${modelId}/shards/${shard.sha256}`, from, to, { ...PLAIN, signal }), signature: null };
    },
  };
}

/** The model's public file: a shard's chunk is one or a few ranges of it. `has`: the shards that are of this model. */
export function publicSource(fetch: Fetch, url: string, has: (shard: string) => boolean): ChunkSource {
  return {
    id: 'public',
    kind: 'public',
    window: HTTP_WINDOW_CHUNKS,
    has,
    async fetch(_modelId, shard, chunk, signal) {
      const { from, to } = chunkSpan(shard.bytes, chunk);
      const bytes = new Uint8Array(to - from);
      let at = 0;
      for (const { offset, length } of fileRanges(shard, from, to)) {
        bytes.set(await fetchRange(fetch, url, offset, offset + length, { ...ELSEWHERE, signal }), at);
        at += length;
      }
      return { bytes, signature: null };
    },
  };
}

/** Bytes `[from, to)` of what lies there. Throws ShardError; a server that sends the whole file instead is refused before it does. */
async function fetchRange(fetch: Fetch, url: string, from: number, to: number, init: RequestInit & { readonly signal: AbortSignal }): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(fetch, url, { ...init, headers: { range: `bytes=${from}-${to - 1}` } });
  if (response.status !== 206) {
    await response.body?.cancel();
    throw new ShardError('http-status', `${url} answered ${response.status} to a request for a range; it gives no parts.`, { fault: 'peer', fields: { status: response.status } });
  }
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await readBody(response, to - from);
  } catch (cause) {
    if (cause instanceof ShardError) throw cause;
    throw stopped(init.signal, url) ?? new ShardError('unreachable', `The connection to ${url} broke.`, { fault: 'platform', cause });
  }
  if (bytes.length !== to - from) throw new ShardError('wrong-length', `${url} gave ${bytes.length} bytes for ${from} to ${to}.`, { fault: 'peer' });
  return bytes;
}

/** SHA-256 of each chunk of a shard in hex, as the coordinator tells them (SPEC D4). Throws ShardError. */
export async function fetchChunkHashes(fetch: Fetch, base: string, modelId: string, shard: { readonly sha256: string; readonly bytes: number }, count: number, signal: AbortSignal): Promise<Uint8Array[]> {
  const url = `${base}models/${modelId}/shards/${shard.sha256}/chunks`;
  const response = await request(fetch, url, { signal });
  let list: Uint8Array;
  try {
    list = await readBody(response, 32 * count);
  } catch (cause) {
    if (cause instanceof ShardError) throw cause;
    throw stopped(signal, url) ?? new ShardError('unreachable', `The connection to ${url} broke.`, { fault: 'platform', cause });
  }
  if (list.length !== 32 * count) throw new ShardError('wrong-length', `${url} gave ${list.length} bytes instead of ${32 * count}.`, { fault: 'peer' });
  return Array.from({ length: count }, (_, chunk) => list.subarray(32 * chunk, 32 * (chunk + 1)));
}
