import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server, type Socket } from 'socket.io';
import * as msgpack from 'socket.io-msgpack-parser';
import { parseWorkerMessage } from '@ciro/core/protocol/parse.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SignalingSocket } from './signaling-socket.ts';
import type { AuditId, HexHash } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { ProtocolError } from '@ciro/core/protocol/parse.ts';

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** A real Socket.IO server on a free port that greets each connection with `greeting`. */
async function setup(greeting: unknown) {
  const http = createServer();
  const server = new Server(http, { path: '/socket', transports: ['websocket'], parser: msgpack });
  const sockets: Socket[] = [];
  const received: unknown[] = [];
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('m', (message) => received.push(message));
    socket.emit('m', greeting);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('the test server has no port');
  const messages: CoordinatorMessage[] = [];
  const malformed: ProtocolError[] = [];
  const states: string[] = [];
  const socket = new SignalingSocket(`http://127.0.0.1:${address.port}`, {
    onUp: () => states.push('up'),
    onDown: () => states.push('down'),
    onMessage: (message) => messages.push(message),
    onMalformed: (error) => malformed.push(error),
  });
  cleanUp.push(() => server.close(), () => socket.close());
  return { socket, sockets, received, messages, malformed, states };
}

const CHALLENGE = { type: 'challenge', protocol: 1, network: 'test', challenge: 'ab'.repeat(32), coordinatorPublicKey: `04${'cd'.repeat(64)}` };

describe('SignalingSocket', () => {
  it('delivers parsed messages and sends ours', async () => {
    const { socket, messages, received } = await setup(CHALLENGE);
    expect(socket.send({ type: 'leaving', reason: 'too early' })).toBe(false);
    await vi.waitFor(() => expect(messages).toEqual([CHALLENGE]));
    expect(socket.send({ type: 'leaving', reason: 'stop' })).toBe(true);
    await vi.waitFor(() => expect(received).toEqual([{ type: 'leaving', reason: 'stop' }]));
  });

  it('drops what is no message of the protocol, says which field, and stays connected', async () => {
    const { sockets, messages, malformed } = await setup({ ...CHALLENGE, challenge: 'short' });
    await vi.waitFor(() => expect(malformed).toHaveLength(1));
    expect(malformed[0]).toMatchObject({ code: 'malformed', fields: { path: 'challenge' } });
    sockets[0]?.emit('m', 'garbage');
    await vi.waitFor(() => expect(malformed).toHaveLength(2));
    sockets[0]?.emit('m', CHALLENGE);
    await vi.waitFor(() => expect(messages).toHaveLength(1));
  });

  it('comes back by itself when the connection breaks, and is challenged again', async () => {
    const { sockets, messages, states } = await setup(CHALLENGE);
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    sockets[0]?.conn.close();
    await vi.waitFor(() => expect(messages).toHaveLength(2), { timeout: 5_000 });
    expect(states).toEqual(['up', 'down', 'up']);
  });

  it('stays away after close', async () => {
    const { socket, sockets, messages } = await setup(CHALLENGE);
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    socket.close();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(sockets).toHaveLength(1);
    expect(socket.send({ type: 'leaving', reason: 'stop' })).toBe(false);
  });

  it('holds uploads back while much waits to leave, and says when the connection is gone', async () => {
    const { socket, sockets, received, messages } = await setup(CHALLENGE);
    const piece = (unit: number) => ({ type: 'piece', audit: 'ab'.repeat(16) as AuditId, side: 'rows', unit, sha256: 'cd'.repeat(32) as HexHash, offset: 0, total: 128 * 1024, bytes: new Uint8Array(128 * 1024) }) as const;
    expect(await socket.sendWhenClear(piece(0))).toBe(false);
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(await socket.sendWhenClear(piece(0))).toBe(true);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    // Bytes go as bytes, and of a view only what it shows.
    expect(await socket.sendWhenClear({ ...piece(0), bytes: new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4) })).toBe(true);
    await vi.waitFor(() => expect(received).toHaveLength(2));
    expect(parseWorkerMessage(received[1])).toMatchObject({ type: 'piece', bytes: new Uint8Array([1, 2, 3]) });
    // A coordinator that does not read: the sender stops by itself, long before all of it is handed over.
    const [connection] = sockets;
    if (connection === undefined) throw new Error('the socket has connected');
    const line: Duplex = (connection.conn.request as IncomingMessage).socket;
    line.removeAllListeners('data');
    line.pause();
    cleanUp.push(() => void line.destroy());
    const state = { sent: 0 };
    const uploading = (async () => {
      for (let unit = 1; unit <= 400; unit++) {
        if (!(await socket.sendWhenClear(piece(unit)))) return false;
        state.sent = unit;
      }
      return true;
    })();
    await vi.waitFor(async () => {
      const before = state.sent;
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(state.sent).toBe(before);
    }, { timeout: 4_000 });
    expect(state.sent).toBeLessThan(200);
    // Tokens are not uploads: they go at once.
    expect(socket.send({ type: 'leaving', reason: 'stop' })).toBe(true);
    socket.close();
    expect(await uploading).toBe(false);
  });
});
