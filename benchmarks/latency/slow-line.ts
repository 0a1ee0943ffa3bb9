import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { seededNumbers } from '../../tests/support/cheats/seeded-numbers.ts';
import type { RemoteInfo, Socket } from 'node:dgram';

/** What the line does to every datagram that goes up. */
export interface LineQuality {
  readonly delayMs: number;
  /** Share that is dropped, drawn for each by itself. */
  readonly loss: number;
}

/** A bad line in front of a UDP server of this machine. */
export interface SlowLine extends AsyncDisposable {
  readonly port: number;
  /** From the next datagram on. */
  set(quality: LineQuality): void;
  /** Datagrams that went up, and those of them that were dropped. */
  readonly sent: number;
  readonly dropped: number;
}

/** The machine's timers count whole milliseconds: what is due within half of one goes now. */
const TIMER_MS = 0.5;

/**
 * Opens a forwarder on a free port of `address` to `port` there. Up, datagrams are delayed and dropped; down they pass as they come: between two clients of
 * one TURN server, each of which comes through here, that is the delay of one way and the loss of one way.
 */
export async function openSlowLine(address: string, port: number, seed: number): Promise<SlowLine> {
  const { uniform } = seededNumbers(seed, 'slow line');
  const front = createSocket('udp4');
  const backs = new Map<string, Socket>();
  const queue: { readonly at: number; readonly socket: Socket; readonly datagram: Buffer }[] = [];
  let quality: LineQuality = { delayMs: 0, loss: 0 };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let [sent, dropped] = [0, 0];

  const backOf = (client: RemoteInfo): Socket => {
    const name = `${client.address}:${client.port}`;
    const known = backs.get(name);
    if (known !== undefined) return known;
    const back = createSocket('udp4');
    back.on('error', () => undefined);
    back.on('message', (datagram) => front.send(datagram, client.port, client.address));
    backs.set(name, back);
    return back;
  };
  const flush = (): void => {
    timer = undefined;
    const now = performance.now();
    for (let next = queue[0]; next !== undefined && next.at <= now + TIMER_MS; next = queue[0]) {
      queue.shift();
      next.socket.send(next.datagram, port, address);
    }
    if (queue[0] !== undefined) timer = setTimeout(flush, Math.max(1, Math.round(queue[0].at - now)));
  };
  front.on('error', () => undefined);
  front.on('message', (datagram, client) => {
    sent++;
    if (quality.loss > 0 && uniform() < quality.loss) {
      dropped++;
      return;
    }
    const socket = backOf(client);
    if (quality.delayMs === 0 && queue.length === 0) return socket.send(datagram, port, address);
    queue.push({ at: performance.now() + quality.delayMs, socket, datagram });
    timer ??= setTimeout(flush, Math.round(quality.delayMs));
  });
  front.bind(0, address);
  await once(front, 'listening');
  return {
    port: front.address().port,
    set: (next) => void (quality = next),
    get sent() {
      return sent;
    },
    get dropped() {
      return dropped;
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      front.close();
      for (const back of backs.values()) back.close();
    },
  };
}
