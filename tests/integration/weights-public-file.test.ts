import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { equalBytes } from '@ciro/core/bytes.ts';
import { systemClock } from '@ciro/signaling/sessions/clock.ts';
import { coordinatorSource, publicSource } from '@ciro/web/shards/http-source.ts';
import { bytesOf, MODEL, Tab } from '../support/weights-tab.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WantedShard } from '@ciro/web/shards/chunk-source.ts';

const MIB = 1024 * 1024;
const file = bytesOf(3 * MIB);
/** A shard in two parts of the file, the cut in the middle of a chunk. */
const ranges = [{ offset: 1_000, length: 700_000 }, { offset: 2_000_000, length: 500_000 }];
const bytes = Uint8Array.from(ranges.flatMap(({ offset, length }) => [...file.subarray(offset, offset + length)]));
const shard: WantedShard = { name: 'layer-0', sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, ranges };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A hub: another origin, ranges, and what it is asked is kept. */
async function openHub(answer: Answer) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.range ?? 'all'} ${request.headers.referer ?? ''}${request.headers.cookie ?? ''}`);
    response.setHeader('access-control-allow-origin', '*');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const serving = (content: Uint8Array): Answer => (request, response) => {
  const [, from = '0', to = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
  response.writeHead(206).end(Buffer.from(content.subarray(Number(from), Number(to) + 1)));
};

/** A tab whose public file is at that address, and whose coordinator gives nothing before that file was asked for. */
async function load(hub: { readonly url: string; readonly asked: readonly string[] }, coordinatorGives: boolean) {
  const tab = await Tab.open('a', systemClock);
  const files = tab.files.fetch;
  tab.files.shards.set(shard.sha256, bytes);
  tab.files.serve = async (range) => {
    await expect.poll(() => hub.asked.length).toBeGreaterThan(0);
    return coordinatorGives ? new Response(range, { status: 206 }) : new Promise(() => undefined);
  };
  const exchange = tab.exchangeOver((address, init) => (address === hub.url ? fetch(address, init) : files(address, init)));
  const loading = exchange.shard(MODEL, shard, new AbortController().signal, () => undefined);
  await expect.poll(() => tab.sent.length).toBeGreaterThan(0);
  exchange.givers({ type: 'weights-givers', modelId: MODEL, publicUrl: hub.url, givers: [] });
  const got = await loading;
  await expect.poll(() => tab.moved.coordinator + tab.moved.publicFile).toBe(bytes.length);
  return { got, tab };
}

it('takes a shard that lies in two parts from the public file, in ranges, and tells the other site nothing of its own', async () => {
  await using hub = await openHub(serving(file));
  const { got, tab } = await load(hub, false);
  expect(equalBytes(got, bytes)).toBe(true);
  expect(tab.moved).toMatchObject({ publicFile: bytes.length, coordinator: 0 });
  expect(hub.asked.length).toBeGreaterThan(5);
  for (const line of hub.asked) expect(line).toMatch(/^GET \/model\.gguf bytes=\d+-\d+ $/);
});

it.each<[string, Answer]>([
  ['another file', serving(bytesOf(3 * MIB, 7))],
  ['a file that is cut off', serving(file.subarray(0, 10_000))],
  ['the whole file instead of a part', (_request, response) => void response.writeHead(200).end(Buffer.from(file))],
  ['a page that says it is gone', (_request, response) => void response.writeHead(404).end('gone')],
  ['nothing, for ever', () => undefined],
])('%s there: none of it is used, and the coordinator gives the shard', async (_what, answer) => {
  await using hub = await openHub(answer);
  const { got, tab } = await load(hub, true);
  expect(equalBytes(got, bytes)).toBe(true);
  expect(tab.moved.publicFile).toBe(0);
  expect(tab.sent.filter(({ type }) => type === 'weights-bad')).toEqual([]);
});

it('asks for ranges past the HTTP cache, and the public file without credentials', async () => {
  const inits: RequestInit[] = [];
  const fetchRange = async (_url: string, init: RequestInit): Promise<Response> => {
    inits.push(init);
    return new Response(bytes.subarray(0, 131_072), { status: 206 });
  };
  const { signal } = new AbortController();
  await coordinatorSource(fetchRange, 'https://ciro.test/').fetch(MODEL, shard, 0, signal);
  await publicSource(fetchRange, 'https://hub.test/model.gguf', () => true).fetch(MODEL, shard, 0, signal);
  expect(inits).toMatchObject([{ cache: 'no-store', headers: { range: 'bytes=0-131071' } }, { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', headers: { range: 'bytes=1000-132071' } }]);
});
