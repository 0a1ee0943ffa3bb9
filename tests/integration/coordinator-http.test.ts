import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { io } from 'socket.io-client';
import * as parser from 'socket.io-msgpack-parser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '@ciro/core/bytes.ts';
import { checkLinks, headBytes, LedgerLinks } from '@ciro/core/ledger/head.ts';
import { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import { parseCoordinatorMessage } from '@ciro/core/protocol/parse.ts';
import { verifyLedgerOf } from '@ciro/signaling/cli/verify-settlement.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { modelIdOf } from '@ciro/core/model/model-id.ts';
import { startCoordinator } from '@ciro/signaling/main.ts';
import { environmentOptions } from '@ciro/signaling/coordinator-options.ts';
import type { ModelManifest } from '@ciro/core/model/manifest.ts';
import type { RawAnswer } from '../support/raw-request.ts';
import { rawRequest } from '../support/raw-request.ts';
import { ScriptedCoordinator } from '../support/scripted-coordinator.ts';

let scripted: ScriptedCoordinator;
let webDist: string;
beforeAll(async () => {
  webDist = await mkdtemp(join(tmpdir(), 'ciro-page-'));
  await mkdir(join(webDist, 'assets'));
  await writeFile(join(webDist, 'index.html'), '<!doctype html><title>Ciro</title>');
  await writeFile(join(webDist, 'assets', 'main-abc123.js'), 'export {};');
  await writeFile(join(webDist, 'assets', 'main-abc123.js.gz'), gzipSync('export {};'));
  await writeFile(join(webDist, 'assets', 'engine-abc123.wasm'), new Uint8Array(8));
  scripted = await ScriptedCoordinator.start({ webDist, commit: 'abc123', paymaster: async (app) => void app.post('/', async () => ({ jsonrpc: '2.0', id: 1, result: true })) });
});
afterAll(async () => {
  await scripted[Symbol.asyncDispose]();
  await rm(webDist, { recursive: true });
});

it('has a relayer at /paymaster where one was given', async () => {
  const response = await fetch(`${scripted.coordinator.url}/paymaster`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":"2.0","id":1,"method":"paymaster_isAvailable"}' });
  expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 1, result: true });
});

const HTML = { accept: 'text/html,application/xhtml+xml' };

const raw = (path: string, headers: Record<string, string>): Promise<RawAnswer> => rawRequest(scripted.coordinator.url, path, headers);

/** What the coordinator says first to whoever connects. */
async function challengeOf(url: string): Promise<{ readonly coordinatorPublicKey: string }> {
  const socket = io(url, { path: '/socket', parser, transports: ['websocket'], reconnection: false, forceNew: true });
  try {
    const message = parseCoordinatorMessage(await new Promise<unknown>((resolve) => socket.once('m', resolve)));
    if (message.type !== 'challenge') throw new Error(message.type);
    return message;
  } finally {
    socket.disconnect();
  }
}

it('health tells state, network and what is placed', async () => {
  const response = await scripted.fetch('/health');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(await response.json()).toEqual({
    status: 'ok', network: scripted.coordinator.network, commit: 'abc123', connections: 0, workers: 0, spare: 0, standby: { ranges: 0, workers: 0 }, placed: 0, missing: expect.any(Number), running: 0, queue: 0, links: [],
    rings: [{ number: 0, ready: false, running: 0, spares: 0, standby: 0, stages: [] }],
    models: [{ id: scripted.model.id, name: 'tiny', layers: 2, ready: false, missing: 1, stages: [] }],
  });
  expect(scripted.coordinator.network).toMatch(/^ciro-[0-9a-f]{8}$/);
});

it('lists the served models and no nodes yet', async () => {
  expect(await (await scripted.fetch('/v1/models')).json()).toMatchObject({ object: 'list', data: [{ id: 'tiny', object: 'model', owned_by: 'ciro', model_id: scripted.model.id, ciro: { context: 128, default: true } }] });
  expect(await (await scripted.fetch('/v1/models/default')).json()).toMatchObject({ id: 'tiny' });
  expect((await scripted.fetch('/v1/models/gpt-7')).status).toBe(404);
  expect(await (await scripted.fetch('/v1/nodes')).json()).toEqual({ object: 'list', data: [] });
});

it('W3: gives and takes the bytes of a probe, keeps neither, and refuses more than a probe has', async () => {
  const down = await scripted.fetch('/line/1000');
  expect([down.status, down.headers.get('cache-control'), (await down.arrayBuffer()).byteLength]).toEqual([200, 'no-store', 1_000]);
  for (const bytes of ['0', '262145', '1e3', '-1']) expect((await scripted.fetch(`/line/${bytes}`)).status, bytes).toBe(400);
  const post = (length: number, type = 'application/octet-stream') => scripted.fetch('/line', { method: 'POST', headers: { 'content-type': type }, body: new Uint8Array(length) });
  expect([(await post(131_072)).status, (await post(131_073)).status, (await post(10, 'text/html')).status]).toEqual([204, 413, 415]);
  // Only there: every other body is JSON.
  expect((await scripted.fetch('/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: new Uint8Array(3) })).status).toBe(415);
});

it('serves the manifest under its hash for ever, under its name until it changes', async () => {
  const response = await scripted.fetch(`/models/${scripted.model.id}/manifest`);
  expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(modelIdOf((await response.json()) as ModelManifest)).toBe(scripted.model.id);
  const again = await scripted.fetch('/models/default/manifest', { headers: { 'if-none-match': response.headers.get('etag') ?? '' } });
  expect([again.status, again.headers.get('cache-control')]).toEqual([304, 'no-cache']);
});

it('D4: tells the hashes of a shard’s chunks, and nothing of what is no shard', async () => {
  const [shard] = scripted.model.manifest.shards;
  if (shard === undefined) throw new Error('no shard');
  const path = `/models/${scripted.model.id}/shards/${shard.sha256}`;
  const [whole, list] = await Promise.all([scripted.fetch(path), scripted.fetch(`${path}/chunks`)]);
  const bytes = new Uint8Array(await whole.arrayBuffer());
  const hashes = Array.from({ length: Math.ceil(bytes.length / 131_072) }, (_, chunk) => createHash('sha256').update(bytes.subarray(chunk * 131_072, (chunk + 1) * 131_072)).digest());
  expect(new Uint8Array(await list.arrayBuffer())).toEqual(new Uint8Array(Buffer.concat(hashes)));
  expect(list.headers.get('cache-control')).toContain('immutable');
  const missing = await scripted.fetch(`/models/${scripted.model.id}/shards/${'0'.repeat(64)}/chunks`);
  expect(missing.status).toBe(404);
});

it('serves shards whole and in ranges, each byte as the hash says', async () => {
  const [shard] = scripted.model.manifest.shards;
  if (shard === undefined) throw new Error('no shard');
  const path = `/models/${scripted.model.id}/shards/${shard.sha256}`;
  const whole = await scripted.fetch(path);
  const bytes = new Uint8Array(await whole.arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(shard.sha256);
  expect(Object.fromEntries(whole.headers)).toMatchObject({ 'content-length': String(shard.bytes), 'accept-ranges': 'bytes', etag: `"${shard.sha256}"`, 'cache-control': 'public, max-age=31536000, immutable', 'content-type': 'application/octet-stream' });

  const size = shard.bytes;
  for (const [range, from, to] of [['bytes=0-9', 0, 10], ['bytes=100-', 100, size], ['bytes=-7', size - 7, size], [`bytes=${size - 1}-${size + 99}`, size - 1, size]] as const) {
    const part = await scripted.fetch(path, { headers: { range } });
    expect([range, part.status, part.headers.get('content-range'), part.headers.get('content-length')]).toEqual([range, 206, `bytes ${from}-${to - 1}/${size}`, String(to - from)]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(from, to));
  }
  const beyond = await scripted.fetch(path, { headers: { range: `bytes=${size}-` } });
  expect([beyond.status, beyond.headers.get('content-range'), beyond.headers.get('cache-control')]).toEqual([416, `bytes */${size}`, null]);
  for (const range of ['bytes=5-1', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=a-b']) expect((await scripted.fetch(path, { headers: { range } })).status, range).toBe(200);
  expect((await scripted.fetch(path, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } })).status).toBe(200);
  expect((await scripted.fetch(path, { headers: { 'if-none-match': `"${shard.sha256}"` } })).status).toBe(304);
  const head = await scripted.fetch(path, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(size), '']);
  const missing = await scripted.fetch(`/models/${scripted.model.id}/shards/${'0'.repeat(64)}`);
  expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
});

it('serves the page with a strict policy: it is asked for anew, hashed files are kept for ever, compressed where there is a copy', async () => {
  const page = await scripted.fetch('/', { headers: HTML });
  expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-cache']);
  const policy = page.headers.get('content-security-policy');
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(policy).toContain("worker-src 'self'; connect-src 'self' ws: wss:;");
  expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*/);
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  const script = await scripted.fetch('/assets/main-abc123.js', { headers: { 'accept-encoding': 'gzip' } });
  expect(Object.fromEntries(script.headers)).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable', 'content-encoding': 'gzip', 'content-security-policy': policy });
  expect(await script.text()).toBe('export {};');
  expect((await scripted.fetch('/assets/engine-abc123.wasm')).headers.get('content-type')).toBe('application/wasm');
});

it('says what is missing: a page to a browser, JSON to a program; and never a file outside the page', async () => {
  const page = await scripted.fetch('/nowhere', { headers: HTML });
  expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
  for (const path of ['/v1/nowhere', '/assets/nowhere.js', '/../package.json', '/%2e%2e/%2e%2e/etc/passwd', '/assets/..%2f..%2fpackage.json']) {
    const { status, body } = await raw(path, { host: 'localhost' });
    expect([path, status]).toEqual([path, expect.toSatisfy((code: number) => code >= 400 && code < 500)]);
    expect(body).toContain('"error"');
  }
});

it('a page on an insecure origin is replaced by one that names the fix, while the API and the files go on working', async () => {
  const { port } = new URL(scripted.coordinator.url);
  for (const host of [`192.168.1.7:${port}`, 'ciro.example.org', 'localhost.example.org', '127.0.0.1.example.org']) {
    const { status, headers, body } = await raw('/', { host, ...HTML });
    expect([host, status, headers['cache-control']]).toEqual([host, 200, 'no-store']);
    for (const fix of ['PUBLIC_URL', 'CIRO_TLS_CERT', 'CIRO_TLS_KEY', `http://localhost:${port}/`, host]) expect(body).toContain(fix);
    expect((await raw('/v1/models', { host })).status).toBe(200);
    expect((await raw('/health', { host, ...HTML })).body).toContain('"status":"ok"');
  }
  for (const host of ['localhost', `localhost:${port}`, '127.0.0.1', '[::1]:80', 'a.localhost']) expect((await raw('/', { host, ...HTML })).body, host).toContain('<title>Ciro</title>');
  expect((await raw('/', { host: '"><script>alert(1)</script>', ...HTML })).body).not.toContain('<script>');
});

it('other sites may call the API, and are told so before', async () => {
  const preflight = await scripted.fetch('/v1/chat/completions', { method: 'OPTIONS', headers: { origin: 'https://example.org', 'access-control-request-method': 'POST' } });
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  const refused = await scripted.fetch('/v1/account', { headers: { origin: 'https://example.org', authorization: '' } });
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, '*']);
  expect((await scripted.fetch('/health')).headers.get('access-control-allow-origin')).toBeNull();
});

it('B1, B2: the head is signed by the key of the network, and links lead to it without what they say', async () => {
  await scripted.fetch('/v1/trial', { method: 'POST' });
  const open = { headers: { authorization: '' } };
  const head = v.parse(SignedHead, await (await scripted.fetch('/v1/ledger/head', open)).json());
  expect(head.body.network).toBe(scripted.coordinator.network);
  const { coordinatorPublicKey } = await challengeOf(scripted.coordinator.url);
  expect(toHex(sha256(Buffer.from(coordinatorPublicKey, 'hex')))).toMatch(new RegExp(`^${head.body.network.replace('ciro-', '')}`));
  expect(await verifySignature(coordinatorPublicKey, headBytes(head.body), head.signature)).toBe(true);
  const links = v.parse(v.looseObject({ data: LedgerLinks }), await (await scripted.fetch(`/v1/ledger/links?from=0&to=${head.body.sequence}`, open)).json()).data;
  const [first] = v.parse(v.looseObject({ data: LedgerLinks }), await (await scripted.fetch('/v1/ledger/links?from=0&to=1', open)).json()).data;
  expect(links[0]).toEqual(first);
  expect(checkLinks({ sequence: 0, hash: first?.previous ?? head.body.hash }, head.body, links)).toBeNull();
  expect(Object.keys(first ?? {}).sort()).toEqual(['content', 'hash', 'previous', 'sequence']);
  for (const query of ['', '?from=1', '?from=2&to=1', '?from=-1&to=2', '?from=a&to=b', '?from=0&to=1&all=1', '?from=0&from=1&to=2']) {
    const refused = await scripted.fetch(`/v1/ledger/links${query}`, open);
    expect([query, refused.status, await refused.json()]).toMatchObject([query, 400, { error: { code: 'bad_request' } }]);
  }
  expect(await (await scripted.fetch(`/v1/ledger/links?from=${head.body.sequence}&to=999999`, open)).json()).toMatchObject({ data: [] });
});

it('B1, X4: `verify -- ledger` finds the whole ledger in order, by the key of the network; a coordinator that never had a chain has no epochs', async () => {
  await scripted.fetch('/v1/trial', { method: 'POST' });
  const { coordinatorPublicKey } = await challengeOf(scripted.coordinator.url);
  const report = await verifyLedgerOf({ what: 'ledger', source: scripted.coordinator.url, key: coordinatorPublicKey }, new AbortController().signal);
  expect(report.checks.map(({ name, state }) => `${name}: ${state}`)).toEqual(['format: ok', 'chain: ok', 'heads: ok', 'signatures: ok']);
  expect(await (await scripted.fetch('/v1/epochs')).json()).toEqual({ object: 'list', data: [] });
  const missing = await scripted.fetch('/v1/epochs/1');
  expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
});

it('an audit rate that is none is named', async () => {
  expect(environmentOptions({ CIRO_AUDIT_RATE: '0.2' })).toEqual({ auditRate: 0.2 });
  for (const rate of ['0', '1.5', 'often', '-1']) expect(() => environmentOptions({ CIRO_AUDIT_RATE: rate }), rate).toThrow(expect.objectContaining({ code: 'bad-audit-rate' }));
  expect(environmentOptions({ CIRO_AUDIT_RATE: '' })).toEqual({});
});

it('STUN and TURN servers are settings of the environment, and TURN without its secret is refused by name', async () => {
  const { ice } = environmentOptions({ CIRO_TURN_URLS: 'turn:t.example' });
  expect(ice).toEqual({ stun: [], turn: ['turn:t.example'], turnSecret: '' });
  await expect(startCoordinator({ port: 0, dataDir: 'never-made', models: scripted.coordinator.models, ...(ice && { ice }) })).rejects.toThrow(expect.objectContaining({ code: 'no-turn-secret' }));
});

it('keys of the data folder are readable by their owner only', async () => {
  for (const name of ['coordinator-key.json', 'trial-key']) expect((await stat(join(scripted.folder, 'data', name))).mode & 0o777, name).toBe(0o600);
});

it('a port that is taken, a public URL that is none, a folder in use and unreadable certificates are named, and leave nothing open', async () => {
  const { port } = new URL(scripted.coordinator.url);
  const models = scripted.coordinator.models;
  const dataDir = join(scripted.folder, 'other');
  const start = (change: object) => startCoordinator({ port: 0, host: '127.0.0.1', dataDir, models, ...change });
  await expect(start({ port: Number(port) })).rejects.toMatchObject({ code: 'port-in-use' });
  await expect(start({ publicUrl: 'ciro.example.org' })).rejects.toMatchObject({ code: 'bad-public-url' });
  await expect(start({ dataDir: join(scripted.folder, 'data'), models: { list: () => [], get: () => undefined } })).rejects.toMatchObject({ code: 'no-model' });
  await expect(start({ tls: { cert: '/nowhere.pem', key: '/nowhere.pem' } })).rejects.toMatchObject({ code: 'unreadable_file' });
  const second = await start({ publicUrl: 'https://ciro.example.org/' });
  expect(second.publicUrl).toBe('https://ciro.example.org');
  await second.close();
});
