import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Hash } from 'node:crypto';
import type { PlannedShard } from '@ciro/core/model/import-plan.ts';

const READ_BYTES = 1024 * 1024;

/** Hashes of a model file and of its shards (by name), lower-case hex. */
export interface ModelHashes {
  readonly file: string;
  readonly shards: ReadonlyMap<string, string>;
}

interface Section {
  readonly start: number;
  readonly end: number;
  readonly hash: Hash;
}

/**
 * Hashes a file and its shards in one pass, holding one chunk at a time. A shard's ranges rise in the file, so feeding its
 * hash as they pass gives the hash of their concatenation.
 */
export async function modelHashes(
  path: string,
  shards: readonly PlannedShard[],
  options: { readonly signal?: AbortSignal | undefined; readonly onBytes?: (bytes: number) => void } = {},
): Promise<ModelHashes> {
  const hashes = new Map(shards.map((shard) => [shard.name, createHash('sha256')]));
  const sections = shards
    .flatMap((shard) => shard.ranges.map((range): Section => ({ start: range.offset, end: range.offset + range.length, hash: hashes.get(shard.name) ?? createHash('sha256') })))
    .sort((left, right) => left.start - right.start);
  const whole = createHash('sha256');
  let position = 0;
  let next = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, ...(options.signal === undefined ? {} : { signal: options.signal }) }) as AsyncIterable<Buffer>) {
    whole.update(chunk);
    const end = position + chunk.length;
    for (let index = next; index < sections.length; index++) {
      const section = sections[index];
      if (section === undefined || section.start >= end) break;
      section.hash.update(chunk.subarray(Math.max(0, section.start - position), Math.min(chunk.length, section.end - position)));
      if (section.end <= end) next = index + 1;
    }
    position = end;
    options.onBytes?.(position);
  }
  return { file: whole.digest('hex'), shards: new Map([...hashes].map(([name, hash]) => [name, hash.digest('hex')])) };
}
