import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ShardError } from './shard-error.ts';
import { ShardStore } from './shard-store.ts';
import type { ShardRecord } from './shard-index.ts';
import type { ShardProgress, ShardStoreOptions } from './shard-store.ts';

const MODEL = 'ab'.repeat(32);
const BASE = 'https://ciro.test/';
const forever = new AbortController().signal;

const bytesOf = (size: number, salt = 1): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: size }, (_, index) => (index * 31 + salt) & 255);
const shardOf = (bytes: Uint8Array, name = 'layer-0') => ({ name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, ranges: [] });

/** Cache Storage as far as the store uses it, over a map; `full` refuses every put as a browser without room does. */
class FakeCaches {
  readonly kept = new Map<string, Uint8Array>();
  full = false;
  broken = false;

  async open(): Promise<Pick<Cache, 'match' | 'put' | 'delete'>> {
    if (this.broken) throw new DOMException('no storage here', 'SecurityError');
    return {
      match: async (key) => {
        const bytes = this.kept.get(String(key));
        return bytes === undefined ? undefined : new Response(Uint8Array.from(bytes));
      },
      put: async (key, response) => {
        if (this.full) throw new DOMException('no room', 'QuotaExceededError');
        this.kept.set(String(key), new Uint8Array(await response.arrayBuffer()));
      },
      delete: async (key) => this.kept.delete(String(key)),
    };
  }
}

class FakeIndex {
  readonly records = new Map<string, ShardRecord>();
  broken = false;

  async put(record: ShardRecord): Promise<void> {
    if (this.broken) throw new DOMException('no database', 'UnknownError');
    this.records.set(record.hash, record);
  }
  async remove(hash: string): Promise<void> {
    this.records.delete(hash);
  }
  async list(): Promise<ShardRecord[]> {
    return [...this.records.values()];
  }
}

/** A server: what it gives is in the test's hands; `calls` says how it was asked. */
class FakeServer {
  readonly calls: { readonly url: string; readonly cache: RequestCache | undefined; readonly signal: AbortSignal }[] = [];
  answer: (url: string, call: number) => Response | Promise<Response> = () => new Response(null, { status: 404 });

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const signal = init.signal ?? forever;
    this.calls.push({ url, cache: init.cache, signal });
    const response = await this.answer(url, this.calls.length);
    signal.throwIfAborted();
    return response;
  };
}

function setup(options: Partial<ShardStoreOptions> = {}) {
  const server = new FakeServer();
  const caches = new FakeCaches();
  const index = new FakeIndex();
  let now = 0;
  // The store's own platform type is the whole of CacheStorage; the fake is the part that it uses.
  const store = new ShardStore({ fetch: server.fetch, caches: caches as unknown as CacheStorage, index, now: () => ++now }, { base: BASE, ...options });
  return { server, caches, index, store };
}

/** A response whose chunks the test releases one by one; it ends with an error when its signal aborts. */
function streamed(signal: AbortSignal): { response: Response; send(chunk: Uint8Array): void; end(): void; broke(): void } {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBufferLike>> | undefined;
  const body = new ReadableStream<Uint8Array<ArrayBufferLike>>({ start: (given) => void (controller = given) });
  signal.addEventListener('abort', () => controller?.error(signal.reason));
  return { response: new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>), send: (chunk) => controller?.enqueue(chunk), end: () => controller?.close(), broke: () => controller?.error(new TypeError('network error')) };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('a shard is fetched from the coordinator, checked, kept under its hash, listed, and the second time comes from the cache', async () => {
  const { server, caches, index, store } = setup();
  const bytes = bytesOf(10_000);
  const shard = shardOf(bytes);
  server.answer = () => new Response(bytes);
  const seen: ShardProgress[] = [];
  expect(await store.get({ modelId: MODEL, shard, signal: forever, onProgress: (progress) => seen.push(progress) })).toEqual(bytes);
  expect(server.calls.map(({ url }) => url)).toEqual([`${BASE}models/${MODEL}/shards/${shard.sha256}`]);
  expect(seen.at(-1)).toEqual({ loadedBytes: 10_000, fetchedBytes: 10_000 });
  expect([...caches.kept.keys()]).toEqual([`${BASE}shards/${shard.sha256}`]);
  expect([...index.records.values()]).toMatchObject([{ hash: shard.sha256, modelId: MODEL, name: 'layer-0', bytes: 10_000 }]);

  const again: ShardProgress[] = [];
  expect(await store.get({ modelId: MODEL, shard, signal: forever, onProgress: (progress) => again.push(progress) })).toEqual(bytes);
  expect(server.calls).toHaveLength(1);
  expect(again).toEqual([{ loadedBytes: 10_000, fetchedBytes: 0 }]);
});

test('progress is told chunk by chunk', async () => {
  const { server, store } = setup();
  const bytes = bytesOf(300);
  let stream: ReturnType<typeof streamed> | undefined;
  server.answer = () => (stream = streamed(server.calls[0]?.signal ?? forever)).response;
  const seen: number[] = [];
  const got = store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever, onProgress: ({ loadedBytes }) => seen.push(loadedBytes) });
  await settle();
  stream?.send(bytes.subarray(0, 100));
  await settle();
  expect(seen).toEqual([100]);
  stream?.send(bytes.subarray(100));
  stream?.end();
  expect(await got).toEqual(bytes);
  expect(seen).toEqual([100, 300]);
});

test.each([
  ['another hash', 'wrong-hash', (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, index) => (index === 7 ? byte ^ 1 : byte))],
  ['fewer bytes', 'wrong-length', (bytes: Uint8Array) => Uint8Array.from(bytes.subarray(1))],
  ['more bytes', 'too-large', (bytes: Uint8Array) => Uint8Array.from([...bytes, 0])],
])('a shard with %s is asked for once more past the HTTP cache; wrong again, it is refused as %s and never kept', async (_what, code, spoil) => {
  const { server, caches, index, store } = setup();
  const bytes = bytesOf(500);
  const shard = shardOf(bytes);
  server.answer = () => new Response(spoil(bytes));
  await expect(store.get({ modelId: MODEL, shard, signal: forever })).rejects.toMatchObject({ code, fault: 'peer' });
  expect(server.calls.map(({ cache }) => cache)).toEqual([undefined, 'reload']);
  expect(caches.kept.size + index.records.size).toBe(0);

  server.answer = (_url, call) => new Response(call === 3 ? spoil(bytes) : bytes);
  expect(await store.get({ modelId: MODEL, shard, signal: forever })).toEqual(bytes);
});

test('bytes that changed on the disk are not used: the shard is fetched again', async () => {
  const { server, caches, store } = setup();
  const bytes = bytesOf(500);
  const shard = shardOf(bytes);
  caches.kept.set(`${BASE}shards/${shard.sha256}`, bytesOf(500, 2));
  server.answer = () => new Response(bytes);
  expect(await store.get({ modelId: MODEL, shard, signal: forever })).toEqual(bytes);
  expect(caches.kept.get(`${BASE}shards/${shard.sha256}`)).toEqual(bytes);
});

test.each([
  ['http-status', () => new Response('not here', { status: 404 })],
  ['unreachable', () => Promise.reject(new TypeError('Failed to fetch'))],
])('no answer is %s, at once', async (code, answer) => {
  const { server, store } = setup();
  server.answer = answer;
  await expect(store.get({ modelId: MODEL, shard: shardOf(bytesOf(5)), signal: forever })).rejects.toMatchObject({ code });
  expect(server.calls).toHaveLength(1);
});

test('a connection that breaks in the middle is unreachable, and the next call begins anew', async () => {
  const { server, store } = setup();
  const bytes = bytesOf(50);
  server.answer = () => {
    const stream = streamed(forever);
    stream.send(bytes.subarray(0, 20));
    void settle().then(() => stream.broke());
    return stream.response;
  };
  await expect(store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever })).rejects.toMatchObject({ code: 'unreachable' });
  server.answer = () => new Response(bytes);
  expect(await store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever })).toEqual(bytes);
});

test.each(['full', 'broken'] as const)('where the browser stores nothing (%s), shards stay in memory and work goes on', async (how) => {
  const { server, caches, store } = setup();
  caches[how] = true;
  const bytes = bytesOf(500);
  server.answer = () => new Response(bytes);
  expect(await store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever })).toEqual(bytes);
  expect(await store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever })).toEqual(bytes);
  expect(server.calls).toHaveLength(1);
});

test('an index that cannot be written costs nothing but the list', async () => {
  const { server, caches, index, store } = setup();
  index.broken = true;
  const bytes = bytesOf(500);
  server.answer = () => new Response(bytes);
  expect(await store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever })).toEqual(bytes);
  expect(caches.kept.size).toBe(1);
});

test('beyond the cap the least recently used shards go, from the cache and from the list', async () => {
  const { server, caches, index, store } = setup({ cacheBytes: 250 });
  const all = [1, 2, 3].map((salt) => bytesOf(100, salt));
  const get = (which: number) => store.get({ modelId: MODEL, shard: shardOf(all[which] ?? bytesOf(1), `layer-${which}`), signal: forever });
  server.answer = (url) => new Response(all.find((bytes) => url.endsWith(shardOf(bytes).sha256)));
  for (const which of [0, 1, 0, 2]) await get(which);
  expect([...index.records.values()].map(({ name }) => name).toSorted()).toEqual(['layer-0', 'layer-2']);
  expect(caches.kept.size).toBe(2);
});

test('waiters share one download; it goes on when one gives up and stops when all have', async () => {
  const { server, store } = setup();
  const bytes = bytesOf(100);
  const shard = shardOf(bytes);
  const streams: ReturnType<typeof streamed>[] = [];
  server.answer = () => {
    const stream = streamed(server.calls.at(-1)?.signal ?? forever);
    streams.push(stream);
    return stream.response;
  };
  const [first, second] = [new AbortController(), new AbortController()];
  const heard: number[] = [];
  const [one, two] = [first, second].map(({ signal }) => store.get({ modelId: MODEL, shard, signal, onProgress: ({ loadedBytes }) => heard.push(loadedBytes) }));
  await settle();
  streams[0]?.send(bytes.subarray(0, 60));
  await settle();
  expect(server.calls).toHaveLength(1);
  expect(heard).toEqual([60, 60]);
  first.abort(new Error('not needed'));
  await expect(one).rejects.toMatchObject({ code: 'aborted', fault: 'abort' });
  expect(server.calls[0]?.signal.aborted).toBe(false);
  second.abort(new Error('not needed either'));
  await expect(two).rejects.toMatchObject({ code: 'aborted' });
  expect(server.calls[0]?.signal.aborted).toBe(true);

  const third = store.get({ modelId: MODEL, shard, signal: forever });
  await settle();
  expect(server.calls).toHaveLength(2);
  streams[1]?.send(bytes);
  streams[1]?.end();
  expect(await third).toEqual(bytes);
});

test('who joins a download late hears how far it is; who comes with an aborted signal starts nothing', async () => {
  const { server, store } = setup();
  const bytes = bytesOf(100);
  let stream: ReturnType<typeof streamed> | undefined;
  server.answer = () => (stream = streamed(forever)).response;
  const first = store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever });
  await settle();
  stream?.send(bytes.subarray(0, 30));
  await settle();
  const heard: number[] = [];
  const second = store.get({ modelId: MODEL, shard: shardOf(bytes), signal: forever, onProgress: ({ loadedBytes }) => heard.push(loadedBytes) });
  stream?.send(bytes.subarray(30));
  stream?.end();
  expect(await first).toEqual(await second);
  expect(heard).toEqual([30, 100]);
  await expect(store.get({ modelId: MODEL, shard: shardOf(bytesOf(9)), signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  expect(server.calls).toHaveLength(1);
});

/** A store whose shards come in chunks: what they are together is in the test's hands. */
function inChunks(download: () => Promise<Uint8Array<ArrayBuffer>>) {
  const server = new FakeServer();
  const caches = new FakeCaches();
  const forgotten: string[] = [];
  const chunks = { download, forget: async (shard: string) => void forgotten.push(shard) };
  const store = new ShardStore({ fetch: server.fetch, caches: caches as unknown as CacheStorage, index: new FakeIndex(), chunks, now: () => 1 }, { base: BASE });
  return { server, caches, forgotten, store };
}

test('a shard that came in chunks is kept whole, its chunks are forgotten, and it can be opened for others', async () => {
  const bytes = bytesOf(500);
  const { server, forgotten, store } = inChunks(async () => bytes);
  const shard = shardOf(bytes);
  expect(await store.get({ modelId: MODEL, shard, signal: forever })).toEqual(bytes);
  expect(server.calls).toEqual([]);
  expect(forgotten).toEqual([shard.sha256]);
  expect(new Uint8Array((await (await store.open(shard.sha256))?.arrayBuffer()) ?? [])).toEqual(bytes);
  expect(await store.open('ee'.repeat(32))).toBeUndefined();
});

test.each([
  ['are another shard together', async () => bytesOf(500, 2)],
  ['are not those of the list', () => Promise.reject(new ShardError('wrong-hash', 'chunk 3 came with another hash', { fault: 'peer' }))],
])('D4: chunks that %s are forgotten, and the shard comes in one piece', async (_what, download) => {
  const bytes = bytesOf(500);
  const { server, caches, forgotten, store } = inChunks(download);
  server.answer = () => new Response(bytes);
  const shard = shardOf(bytes);
  expect(await store.get({ modelId: MODEL, shard, signal: forever })).toEqual(bytes);
  expect(server.calls).toHaveLength(1);
  expect(forgotten).toContain(shard.sha256);
  expect(caches.kept.get(`${BASE}shards/${shard.sha256}`)).toEqual(bytes);
});

test('a download that fails for another reason is not tried in one piece: the coordinator is as far away then', async () => {
  const { server, store } = inChunks(() => Promise.reject(new ShardError('unreachable', 'no connection', { fault: 'platform' })));
  await expect(store.get({ modelId: MODEL, shard: shardOf(bytesOf(500)), signal: forever })).rejects.toMatchObject({ code: 'unreachable' });
  expect(server.calls).toEqual([]);
});
