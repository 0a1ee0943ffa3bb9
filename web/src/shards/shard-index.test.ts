import { expect, test } from 'vitest';
import { evictable } from './shard-index.ts';
import type { ShardRecord } from './shard-index.ts';

const record = (hash: string, bytes: number, lastUsed: number): ShardRecord => ({ hash, modelId: 'm', name: hash, bytes, lastUsed });
const names = (records: readonly ShardRecord[]): string[] => records.map(({ hash }) => hash);
const all = [record('c', 50, 3), record('a', 50, 1), record('d', 50, 4), record('b', 50, 2)];

test('nothing is dropped while everything fits', () => {
  expect(evictable(all, 200, 'd')).toEqual([]);
});

test('the least recently used go first, no more than needed', () => {
  expect(names(evictable(all, 149, 'd'))).toEqual(['a', 'b']);
});

test('what is in use stays, even if it is the oldest or alone too big', () => {
  expect(names(evictable(all, 149, 'a'))).toEqual(['b', 'c']);
  expect(names(evictable(all, 10, 'a'))).toEqual(['b', 'c', 'd']);
});

test('of records used at the same time the order is that of their hashes, everywhere the same', () => {
  expect(names(evictable([record('y', 1, 1), record('x', 1, 1), record('z', 1, 1)], 1, 'none'))).toEqual(['x', 'y']);
});
