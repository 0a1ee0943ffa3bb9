import { createServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import * as msgpack from 'socket.io-msgpack-parser';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SignalingSocket } from './signaling-socket.ts';
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
});
