import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { openSlowLine } from './slow-line.ts';
import type { Socket } from 'node:dgram';

const SEED = 5;
const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** A server that sends everything back, behind a line. */
async function setup() {
  const server = await bound();
  server.on('message', (datagram, { port, address }) => server.send(datagram, port, address));
  const client = await bound();
  const line = await openSlowLine('127.0.0.1', server.address().port, SEED);
  const roundTrip = async (text: string): Promise<number> => {
    const begun = performance.now();
    client.send(text, line.port, '127.0.0.1');
    const [datagram] = (await once(client, 'message')) as [Buffer];
    expect(String(datagram)).toBe(text);
    return performance.now() - begun;
  };
  return { client, line, roundTrip };
}

it('delays what goes up, and only that', async () => {
  const { line, roundTrip } = await setup();
  await using _ = line;
  await roundTrip('at once');
  line.set({ delayMs: 40, loss: 0 });
  // A timer may be late on cores that others use; early it is not.
  expect(await roundTrip('later')).toBeGreaterThanOrEqual(39);
});

it(`drops about the share that it is told (seed ${SEED}), and keeps the order of the rest`, async () => {
  const { client, line } = await setup();
  await using _ = line;
  line.set({ delayMs: 5, loss: 0.25 });
  const heard: number[] = [];
  client.on('message', (datagram) => heard.push(datagram.readUInt32BE(0)));
  const count = 400;
  for (let index = 0; index < count; index++) {
    const datagram = Buffer.alloc(4);
    datagram.writeUInt32BE(index);
    client.send(datagram, line.port, '127.0.0.1');
    // A socket's buffer holds so many.
    if (index % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => line.sent).toBe(count);
  await expect.poll(() => heard.length).toBe(count - line.dropped);
  expect(heard).toEqual(heard.toSorted((a, b) => a - b));
  expect(line.dropped).toBeGreaterThan(count * 0.15);
  expect(line.dropped).toBeLessThan(count * 0.35);
});
