import { WEIGHTS_CHUNK_BYTES } from '../protocol/limits.ts';
import type { ByteRange, Shard } from './manifest.ts';

/** Chunks of a shard of `bytes` bytes (SPEC D4). */
export const chunkCount = (bytes: number): number => Math.ceil(bytes / WEIGHTS_CHUNK_BYTES);

/** Where chunk number `index` of a shard of `bytes` bytes lies in it. */
export function chunkSpan(bytes: number, index: number): { readonly from: number; readonly to: number } {
  const from = index * WEIGHTS_CHUNK_BYTES;
  return { from, to: Math.min(bytes, from + WEIGHTS_CHUNK_BYTES) };
}

/** The parts of the model's file that hold bytes `[from, to)` of a shard, in order. */
export function fileRanges({ ranges }: Pick<Shard, 'ranges'>, from: number, to: number): ByteRange[] {
  const parts: ByteRange[] = [];
  let start = 0;
  for (const range of ranges) {
    const first = Math.max(from, start);
    const last = Math.min(to, start + range.length);
    if (first < last) parts.push({ offset: range.offset + first - start, length: last - first });
    start += range.length;
  }
  return parts;
}
