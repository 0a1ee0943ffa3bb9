import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { io } from 'socket.io-client';
import * as parser from 'socket.io-msgpack-parser';
import { expect, it } from 'vitest';
import { identityPublicKey, nodeIdOf, signBinding } from '@ciro/core/identity/identity.ts';
import { MAX_PIECE_BYTES, PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import { parseCoordinatorMessage } from '@ciro/core/protocol/parse.ts';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'socket.io-client';
import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { systemClock } from '../sessions/clock.ts';
import { INPUT_BURST_BYTES, INPUT_BYTES_PER_SECOND } from '../sessions/session-limits.ts';
import { Sessions } from '../sessions/sessions.ts';
import { attachSocket } from './socket.ts';
import type { WorkMessage } from '../sessions/worker.ts';
import type { SocketOptions } from './socket.ts';

const devicePublicKey = `04${'b2'.repeat(64)}`;
const nodeId = nodeIdOf(identityPublicKey('0x77'));

class Tab {
  readonly socket: Socket;
  readonly received: CoordinatorMessage[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  constructor(url: string, origin?: string, headers: Record<string, string> = {}) {
    this.socket = io(url, { path: '/socket', parser, transports: ['websocket'], reconnection: false, forceNew: true, extraHeaders: { ...headers, ...(origin === undefined ? {} : { origin }) } });
    this.socket.on('m', (raw: unknown) => {
      this.received.push(parseCoordinatorMessage(raw));
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    this.socket.on('disconnect', end).on('connect_error', end);
  }

  /** The first message of a type; undefined when the connection ended without one. */
  async message<T extends CoordinatorMessage['type']>(type: T): Promise<Extract<CoordinatorMessage, { type: T }> | undefined> {
    for (;;) {
      const found = this.received.find((message): message is Extract<CoordinatorMessage, { type: T }> => message.type === type);
      if (found !== undefined || this.#ended) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async greet(): Promise<this> {
    const challenge = await this.message('challenge');
    const { network = '', challenge: value = '' } = challenge ?? {};
    this.socket.emit('m', { type: 'hello', protocol: PROTOCOL_VERSION, identityPublicKey: identityPublicKey('0x77'), devicePublicKey, signature: signBinding({ network, devicePublicKey, challenge: value }, '0x77'), agent: 'test' });
    await this.message('welcome');
    return this;
  }
}

async function setup(options: SocketOptions = {}) {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const records = { add: async () => undefined, find: async () => undefined, list: async () => [] };
  const sessions = new Sessions({ clock: systemClock, records, coordinatorPublicKey: devicePublicKey, randomBytes: random, models: () => [], onError }, { network: 'ciro-test' });
  const server = createServer();
  const socket = attachSocket(server, { sessions, onError }, options);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tabs: Tab[] = [];
  const tab = (origin?: string, headers: Record<string, string> = {}): Tab => {
    const opened = new Tab(url, origin, headers);
    tabs.push(opened);
    return opened;
  };
  const close = async (): Promise<void> => {
    await socket.close();
    await sessions.close();
    for (const each of tabs) each.socket.disconnect();
    await once(server.close(), 'close');
  };
  return { url, sessions, errors, tab, [Symbol.asyncDispose]: close };
}

it('W1: a connection is challenged, and its answers reach the session', async () => {
  await using edge = await setup();
  const tab = await edge.tab().greet();
  expect((await tab.message('welcome'))?.nodeId).toBe(nodeId);
  expect(edge.sessions.size).toBe(1);
});

it('pages of this origin and of listed ones may connect, others not', async () => {
  await using edge = await setup({ allowedOrigins: ['https://ciro.example'] });
  for (const origin of [undefined, edge.url, 'https://ciro.example']) expect(await edge.tab(origin).message('challenge'), origin).toBeDefined();
  for (const origin of ['https://evil.example', 'null', 'https://ciro.example.evil.example', `${edge.url}0`]) expect(await edge.tab(origin).message('challenge'), origin).toBeUndefined();
});

it('too many connections of one address are refused as full; one that ends makes room', async () => {
  await using edge = await setup({ maxConnectionsPerAddress: 2 });
  const first = edge.tab();
  await first.message('challenge');
  await edge.tab().message('challenge');
  expect((await edge.tab().message('refused'))?.code).toBe('full');
  first.socket.disconnect();
  while (edge.sessions.size > 1) await new Promise(setImmediate);
  const next = edge.tab();
  await next.message('challenge');
  expect(next.received.map((message) => message.type)).toEqual(['challenge']);
});

it('behind a trusted proxy each client is counted for itself; a client that is no proxy is not believed', async () => {
  const through = async (edge: Awaited<ReturnType<typeof setup>>, clients: readonly string[]): Promise<string[]> => {
    const first: string[] = [];
    for (const client of clients) {
      const tab = edge.tab(undefined, { 'x-forwarded-for': client });
      await tab.greet();
      first.push(tab.received.find(({ type }) => type === 'refused') === undefined ? 'taken' : 'refused');
    }
    return first;
  };
  await using trusting = await setup({ maxConnectionsPerAddress: 1 });
  // What the client itself claims stands before what the proxy says.
  expect(await through(trusting, ['203.0.113.1', '203.0.113.9, 203.0.113.1', '203.0.113.2'])).toEqual(['taken', 'refused', 'taken']);
  await using distrusting = await setup({ maxConnectionsPerAddress: 1, trusts: () => false });
  expect(await through(distrusting, ['203.0.113.1', '203.0.113.2'])).toEqual(['taken', 'refused']);
});

it('W2: other events, further arguments and acknowledgements are malformed messages', async () => {
  await using edge = await setup();
  const tab = await edge.tab().greet();
  tab.socket.emit('other', { type: 'leaving', reason: '' });
  tab.socket.emit('m', { type: 'leaving', reason: '' }, 2);
  tab.socket.emit('m', { type: 'leaving', reason: '' }, () => undefined);
  tab.socket.emit('m');
  while (tab.received.filter((message) => message.type === 'dropped').length < 4) await new Promise(setImmediate);
  expect(tab.socket.connected).toBe(true);
});

it('prompt ids cross the wire as exactly their bytes, not the memory around them', async () => {
  await using edge = await setup();
  const tab = await edge.tab().greet();
  const memory = new Uint8Array(1_000).fill(0xee);
  const hash = 'a1'.repeat(32) as HexHash;
  const plan = {
    format: 2, network: 'ciro-test', job: 'c3'.repeat(16) as JobId, version: 1, modelId: hash, precision: 'f32', promptHash: hash, promptTokens: 1, maxTokens: 1, stopIds: [],
    stages: [{ worker: nodeId, devicePublicKey, layers: [0, 1] as [number, number], nonce: null }],
    sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
    quote: { promptToken: '1', generatedToken: '1', feeBasisPoints: '1', hold: '1' },
    nonces: { coordinator: hash, requester: null },
  } as const;
  edge.sessions.send(nodeId, { type: 'plan', stage: 0, signed: { plan: { ...plan, stages: [...plan.stages], stopIds: [] }, signature: 'ab'.repeat(64) }, promptIds: memory.subarray(100, 104) });
  expect([...((await tab.message('plan'))?.promptIds ?? [])]).toEqual([0xee, 0xee, 0xee, 0xee]);
});

it('pieces cross the wire as exactly their bytes, in both directions', async () => {
  await using edge = await setup();
  const taken: WorkMessage[] = [];
  edge.sessions.observe({ message: (_, message) => void taken.push(message) });
  const tab = await edge.tab().greet();
  const memory = Uint8Array.from({ length: 1_000 }, (_, index) => index % 251);
  const piece = { type: 'piece', audit: 'c3'.repeat(16) as AuditId, side: 'payload', unit: 0, sha256: 'a1'.repeat(32) as HexHash, offset: 0, total: 8 } as const;
  edge.sessions.send(nodeId, { ...piece, bytes: memory.subarray(100, 108) });
  expect([...((await tab.message('piece'))?.bytes ?? [])]).toEqual([...memory.subarray(100, 108)]);
  tab.socket.emit('m', { ...piece, bytes: Buffer.from(memory.subarray(300, 308)) });
  while (taken.length === 0) await new Promise(setImmediate);
  expect(taken).toMatchObject([{ type: 'piece', total: 8 }]);
  expect(taken.flatMap((message) => (message.type === 'piece' ? [...message.bytes] : []))).toEqual([...memory.subarray(300, 308)]);
});

it('a client that uploads without end is read no faster than its share, and not disconnected for it', async () => {
  await using edge = await setup();
  let bytes = 0;
  edge.sessions.observe({
    message: (_, message) => {
      if (message.type === 'piece') bytes += message.bytes.length;
    },
  });
  const tab = await edge.tab().greet();
  const part = { type: 'piece', audit: 'c3'.repeat(16), side: 'payload', unit: 0, sha256: 'a1'.repeat(32), offset: 0, total: MAX_PIECE_BYTES, bytes: Buffer.alloc(MAX_PIECE_BYTES) };
  const all = INPUT_BURST_BYTES + 1.5 * INPUT_BYTES_PER_SECOND;
  const begun = performance.now();
  for (let sent = 0; sent < all; sent += MAX_PIECE_BYTES) tab.socket.emit('m', part);
  while (bytes < all) {
    const most = INPUT_BURST_BYTES + ((performance.now() - begun) / 1000) * INPUT_BYTES_PER_SECOND;
    expect(bytes).toBeLessThan(most + 1024 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(performance.now() - begun).toBeGreaterThan(1_400);
  expect(tab.socket.connected).toBe(true);
});

it('the transport\'s pings measure the round trip', async () => {
  await using edge = await setup({ pingMs: 20 });
  const tab = await edge.tab().greet();
  tab.socket.emit('m', { type: 'profile', engine: 'wasm', layerMs: 1, layerMs16: 4, headMs: 3, memoryBudgetBytes: 1e9 });
  while (edge.sessions.worker(nodeId) === undefined) await new Promise(setImmediate);
  const before = edge.sessions.worker(nodeId)?.rttMs;
  while (edge.sessions.worker(nodeId)?.rttMs === before) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(edge.sessions.worker(nodeId)?.rttMs).toBeLessThan(1_000);
});

it('an error behind a message is reported and ends that connection only', async () => {
  await using edge = await setup();
  const other = edge.tab();
  await other.message('challenge');
  edge.sessions.observe({
    message: () => {
      throw new Error('a bug');
    },
  });
  const tab = await edge.tab().greet();
  tab.socket.emit('m', { type: 'token', job: 'c3'.repeat(16), version: 1, position: 1, id: 1 });
  expect(await tab.message('credit')).toBeUndefined();
  expect(edge.errors).toMatchObject([{ message: 'a bug' }]);
  expect(other.socket.connected).toBe(true);
});

it('a client that does not read is disconnected before what it was sent fills the memory', async () => {
  await using edge = await setup();
  const tab = await edge.tab().greet();
  const { ws } = tab.socket.io.engine.transport as unknown as { ws: { pause(): void } };
  ws.pause();
  const payload = 'x'.repeat(16_000);
  let sent = 0;
  while (edge.sessions.size > 0 && sent < 20_000) {
    for (let i = 0; i < 200; i++) edge.sessions.send(nodeId, { type: 'signal', from: nodeId as NodeId, link: 'l', payload });
    sent += 200;
    await new Promise(setImmediate);
  }
  expect(edge.sessions.size).toBe(0);
  expect(sent).toBeGreaterThan(512);
});

it('closing ends every connection', async () => {
  const edge = await setup();
  const tab = await edge.tab().greet();
  await edge[Symbol.asyncDispose]();
  expect(tab.socket.connected).toBe(false);
});
