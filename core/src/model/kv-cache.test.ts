import { expect, test } from 'vitest';
import { CAPACITY_STEP_POSITIONS } from './cache-positions.ts';
import { KvCache } from './kv-cache.ts';
import type { Architecture } from './architecture.ts';

const architecture: Architecture = {
  family: 'llama', layers: 2, hidden: 8, heads: 4, kvHeads: 2, headDim: 2, feedForward: 8, vocabulary: 8,
  context: 512, ropeBase: 10_000, normEpsilon: 1e-5, tiedHead: true,
};

/** A value that names its place: layer, part, head, position, element. */
function value(index: number, part: 'key' | 'value', head: number, position: number, k: number): number {
  return ((index * 2 + (part === 'key' ? 0 : 1)) * 2 + head) * 10_000 + position * 10 + k + 1;
}

function rowsFrom(position: number, count: number) {
  return (index: number, part: 'key' | 'value'): Float32Array => {
    const rows = new Float32Array(2 * count * 2);
    for (let head = 0; head < 2; head++)
      for (let row = 0; row < count; row++)
        for (let k = 0; k < 2; k++) rows[(head * count + row) * 2 + k] = value(index, part, head, position + row, k);
    return rows;
  };
}

function expectHeld(cache: KvCache, length: number): void {
  expect(cache.length).toBe(length);
  for (const index of [0, 1])
    for (const part of ['key', 'value'] as const) {
      const view = cache.view(index, part);
      for (let head = 0; head < 2; head++)
        for (let position = 0; position < cache.capacity; position++)
          for (let k = 0; k < 2; k++) {
            const expected = position < length ? value(index, part, head, position, k) : 0;
            if (view[(head * cache.capacity + position) * 2 + k] !== expected) {
              expect.unreachable(`layer ${index} ${part} head ${head} position ${position} is wrong`);
            }
          }
    }
}

test('rows stay in place across capacity steps and the rest is zero', () => {
  const cache = new KvCache(architecture, 2, 200);
  let position = 0;
  for (const count of [1, 16, 40, 30, 1, 64, 48]) {
    cache.append(count, rowsFrom(position, count));
    position += count;
    expectHeld(cache, position);
  }
  expect(cache.capacity).toBe(4 * CAPACITY_STEP_POSITIONS);
});

test('nothing is allocated after the cache was made', () => {
  const cache = new KvCache(architecture, 2, 130);
  expect(cache.heldBytes).toBe(KvCache.bytesFor(architecture, 2, 130));
  const buffer = cache.view(0, 'key').buffer;
  for (let position = 0; position < 130; position++) cache.append(1, rowsFrom(position, 1));
  expect(cache.view(1, 'value').buffer).toBe(buffer);
  expect(cache.heldBytes).toBe(2 * 2 * 2 * 192 * 2 * 4);
});

test('a cut forgets the rows, and appending goes on from there', () => {
  const cache = new KvCache(architecture, 2, 100);
  cache.append(80, rowsFrom(0, 80));
  cache.truncate(70);
  expectHeld(cache, 70);
  cache.append(10, rowsFrom(70, 10));
  expectHeld(cache, 80);
});

test('a job cannot go past its most positions, and a cut cannot add any', () => {
  const cache = new KvCache(architecture, 2, 10);
  cache.append(10, rowsFrom(0, 10));
  expect(() => cache.append(1, rowsFrom(10, 1))).toThrowErrorMatchingInlineSnapshot(
    `[EngineError: Position 10 is past the 10 positions this job was opened with.]`,
  );
  expect(() => cache.truncate(11)).toThrowErrorMatchingInlineSnapshot(`[EngineError: Cannot cut a cache of 10 positions to 11.]`);
});

test('V1: the first positions of another cache, laid out for a larger capacity', () => {
  const [from, to] = [new KvCache(architecture, 1, 10), new KvCache(architecture, 1, 200)];
  const rows = (count: number) => (_index: number, part: string) => Float32Array.from({ length: architecture.kvHeads * count * architecture.headDim }, (__, at) => at + (part === 'key' ? 0.25 : 0.5));
  from.append(8, rows(8));
  to.appendFrom(from, 6);
  to.append(100, rows(100));
  const width = architecture.headDim;
  for (const part of ['key', 'value'] as const) {
    for (let head = 0; head < architecture.kvHeads; head++) {
      const at = (cache: KvCache, count: number) => [...cache.view(0, part).subarray(head * cache.capacity * width, (head * cache.capacity + count) * width)];
      expect(at(to, 6)).toEqual(at(from, 6));
    }
  }
  expect(to.length).toBe(106);
  expect(() => new KvCache(architecture, 1, 200).appendFrom(from, 9)).toThrowError(expect.objectContaining({ code: 'stale-cache' }));
});
