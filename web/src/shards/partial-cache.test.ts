import { expect, test } from 'vitest';
import { PartialCache } from './partial-cache.ts';

const BASE = 'https://ciro.test/';
const [ONE, TWO] = ['aa', 'bb'].map((digits) => digits.repeat(32)) as [string, string];

/** Cache Storage as far as it is used here: keys in the order in which they came. */
function fakeCaches(broken = false): CacheStorage {
  const kept = new Map<string, Uint8Array<ArrayBuffer>>();
  const cache = {
    keys: async () => [...kept.keys()].map((url) => ({ url })),
    match: async (key: string) => (kept.has(key) ? new Response(kept.get(key)) : undefined),
    put: async (key: string, response: Response) => void kept.set(key, new Uint8Array(await response.arrayBuffer())),
    delete: async (key: string) => kept.delete(key),
  };
  const open = async (): Promise<unknown> => {
    if (broken) throw new DOMException('no storage here', 'SecurityError');
    return cache;
  };
  // The cache's own platform type is the whole of CacheStorage; the fake is the part that it uses.
  return { open } as unknown as CacheStorage;
}

async function chunksOf(cache: PartialCache, hash: string): Promise<[number, number[]][]> {
  const found: [number, number[]][] = [];
  for await (const { chunk, bytes } of cache.chunks(hash)) found.push([chunk, [...bytes]]);
  return found;
}

test('D4: chunks are found again under their shard and number, also by the next visit, until the shard is forgotten', async () => {
  const storage = fakeCaches();
  const cache = new PartialCache(storage, BASE);
  await cache.put(ONE, 12, Uint8Array.of(1, 2));
  await cache.put(TWO, 0, Uint8Array.of(3));
  await cache.put(ONE, 3, Uint8Array.of(4));
  const next = new PartialCache(storage, BASE);
  expect(await chunksOf(next, ONE)).toEqual([[12, [1, 2]], [3, [4]]]);
  await next.forget(ONE);
  expect(await chunksOf(next, ONE)).toEqual([]);
  expect(await chunksOf(next, TWO)).toEqual([[0, [3]]]);
});

test('the oldest chunks go beyond the bound', async () => {
  const cache = new PartialCache(fakeCaches(), BASE);
  for (let chunk = 0; chunk < 5; chunk++) await cache.put(ONE, chunk, Uint8Array.of(chunk));
  await cache.bound(2);
  expect((await chunksOf(cache, ONE)).map(([chunk]) => chunk)).toEqual([3, 4]);
});

test.each([['no storage', undefined], ['storage that fails', fakeCaches(true)]])('with %s nothing is kept, and nothing fails', async (_what, storage) => {
  const cache = new PartialCache(storage, BASE);
  await cache.put(ONE, 1, Uint8Array.of(1));
  await cache.bound();
  await cache.forget(ONE);
  expect(await chunksOf(cache, ONE)).toEqual([]);
});
