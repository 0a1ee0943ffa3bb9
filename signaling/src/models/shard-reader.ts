import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileRanges } from '@ciro/core/model/shard-chunks.ts';
import { ModelsError } from './models-error.ts';
import type { ByteRange, Shard } from '@ciro/core/model/manifest.ts';

type Placed = Pick<Shard, 'name' | 'bytes' | 'ranges'>;

/** A whole shard: its ranges of the file, concatenated. */
export async function readShard(path: string, shard: Placed): Promise<Uint8Array> {
  const bytes = new Uint8Array(shard.bytes);
  const file = await open(path, 'r');
  try {
    let at = 0;
    for (const range of shard.ranges) {
      const { bytesRead } = await file.read(bytes, at, range.length, range.offset);
      if (bytesRead !== range.length) {
        throw new ModelsError('unreadable-file', `${path} ends inside shard ${shard.name}. Fetch the file again.`, { fault: 'platform', fields: { path, shard: shard.name } });
      }
      at += range.length;
    }
  } finally {
    await file.close();
  }
  return bytes;
}

/**
 * Bytes `[from, to)` of a shard as a stream, for HTTP range requests.
 * Throws ModelsError `bad-range` unless 0 <= from < to <= the shard's length.
 */
export function streamShard(path: string, shard: Placed, from = 0, to: number = shard.bytes): Readable {
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from >= to || to > shard.bytes) {
    throw new ModelsError('bad-range', `Bytes ${from} to ${to} aren't in shard ${shard.name}, which has ${shard.bytes}.`, {
      fault: 'user',
      fields: { from, to, bytes: shard.bytes },
    });
  }
  return Readable.from(chunksOf(path, fileRanges(shard, from, to)), { objectMode: false });
}

async function* chunksOf(path: string, ranges: readonly ByteRange[]): AsyncGenerator<Buffer> {
  for (const range of ranges) yield* createReadStream(path, { start: range.offset, end: range.offset + range.length - 1 });
}
