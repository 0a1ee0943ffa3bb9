import { createHash } from 'node:crypto';
import { WEIGHTS_CHUNK_BYTES } from '@ciro/core/protocol/limits.ts';
import type { Readable } from 'node:stream';

/** A model as far as its shards can be read. */
export interface StreamedModel {
  streamShard(sha256: string): Readable;
}

/** Lists that were made, a model each: 32 bytes for 128 kB of weights. */
const made = new WeakMap<StreamedModel, Map<string, Promise<Uint8Array>>>();

/** SHA-256 of each chunk of a shard, one after the other (SPEC D4). Read once, and kept with the model. Rejects where the shard cannot be read. */
export function chunkHashesOf(model: StreamedModel, sha256: string): Promise<Uint8Array> {
  const lists = made.get(model) ?? new Map<string, Promise<Uint8Array>>();
  made.set(model, lists);
  let list = lists.get(sha256);
  if (list === undefined) {
    list = hashChunks(model.streamShard(sha256));
    lists.set(sha256, list);
    list.catch(() => lists.delete(sha256));
  }
  return list;
}

async function hashChunks(stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const digests: Buffer[] = [];
  let hash = createHash('sha256');
  let filled = 0;
  for await (const piece of stream) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + WEIGHTS_CHUNK_BYTES - filled);
      hash.update(part);
      filled += part.length;
      at += part.length;
      if (filled < WEIGHTS_CHUNK_BYTES) continue;
      digests.push(hash.digest());
      hash = createHash('sha256');
      filled = 0;
    }
  }
  if (filled > 0) digests.push(hash.digest());
  return new Uint8Array(Buffer.concat(digests));
}
