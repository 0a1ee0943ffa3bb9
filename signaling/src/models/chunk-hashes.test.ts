import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { WEIGHTS_CHUNK_BYTES } from '@ciro/core/protocol/limits.ts';
import { chunkHashesOf } from './chunk-hashes.ts';

const bytes = Buffer.from(Uint8Array.from({ length: 2 * WEIGHTS_CHUNK_BYTES + 5 }, (_, index) => (index * 31) & 255));
const digest = (from: number, to: number): Buffer => createHash('sha256').update(bytes.subarray(from, to)).digest();
const expected = new Uint8Array(Buffer.concat([digest(0, WEIGHTS_CHUNK_BYTES), digest(WEIGHTS_CHUNK_BYTES, 2 * WEIGHTS_CHUNK_BYTES), digest(2 * WEIGHTS_CHUNK_BYTES, bytes.length)]));

it.each([4_099, 65_536, 3 * WEIGHTS_CHUNK_BYTES])('D4: a shard that is read %i bytes at a time has the hashes of its chunks, and is read once', async (size) => {
  let read = 0;
  const model = {
    streamShard: () => {
      read++;
      return Readable.from(Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size)));
    },
  };
  expect(await chunkHashesOf(model, 'shard')).toEqual(expected);
  expect(await chunkHashesOf(model, 'shard')).toEqual(expected);
  expect(read).toBe(1);
});

it('a whole number of chunks has no empty one at its end', async () => {
  const list = await chunkHashesOf({ streamShard: () => Readable.from([bytes.subarray(0, WEIGHTS_CHUNK_BYTES)]) }, 'shard');
  expect(list).toEqual(new Uint8Array(digest(0, WEIGHTS_CHUNK_BYTES)));
});

it('a shard that could not be read is read again the next time', async () => {
  let read = 0;
  const model = { streamShard: () => Readable.from(read++ === 0 ? failing() : [bytes]) };
  await expect(chunkHashesOf(model, 'shard')).rejects.toThrow('disk');
  expect(await chunkHashesOf(model, 'shard')).toEqual(expected);
});

async function* failing(): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, 10);
  throw new Error('disk');
}
