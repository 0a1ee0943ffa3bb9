import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Pace, PIECE_BYTES } from './pace.ts';

/** A slow line in front of a server of this machine: down at the given speed, up unhindered. */
export interface ThrottledLine extends AsyncDisposable {
  /** Address to open instead of the server's. */
  readonly url: string;
  /** Bytes that came down the line so far. */
  readonly passedBytes: number;
}

/** Opens a TCP forwarder on a free port; `target` is an http address of this machine. Nothing is added but the pace: no latency, no loss. */
export async function openThrottledLine(target: string, megabitsPerSecond: number): Promise<ThrottledLine> {
  const { hostname, port } = new URL(target);
  const pace = new Pace(megabitsPerSecond);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: hostname, port: Number(port) });
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    }
    carry(client, upstream, pace);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    get passedBytes() {
      return pace.passed;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Joins two sockets until either ends; what comes from `server` goes at the pace of the line. */
export function carry(client: Socket, server: Socket, pace: Pace): void {
  async function* paced(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        await pace.pass(piece.length);
        yield piece;
      }
    }
  }
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  // A tab that is closed or a server that stops breaks the pipe: the other side is then told by the same.
  pipeline(server, paced, client).catch(end);
  pipeline(client, server).catch(end);
}
