import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { carry } from './throttled-line.ts';
import { Pace } from './pace.ts';

/** A host that has not answered by then is not reached from here. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A tunnel that carried nothing for so long is closed; a program that forgot it would not end before. */
const IDLE_TIMEOUT_MS = 20_000;

/** A way out of this machine for programs that honour `HTTPS_PROXY`: everything through it shares one line. */
export interface ThrottledProxy extends AsyncDisposable {
  /** Variables that send npm, pip and Node's fetch through it. */
  readonly env: Readonly<Record<string, string>>;
  /** Bytes that came down the line so far. */
  readonly passedBytes: number;
  /** Hosts that were asked for, each once. */
  readonly hosts: ReadonlySet<string>;
}

/** Opens an HTTP proxy on a free port that tunnels TLS connections and nothing else: what it carries it cannot read. */
export async function openThrottledProxy(megabitsPerSecond: number): Promise<ThrottledProxy> {
  const pace = new Pace(megabitsPerSecond);
  const hosts = new Set<string>();
  const open = new Set<Duplex>();
  const server = createServer((_, response) => response.writeHead(501).end('only CONNECT'));
  server.on('connect', (request, client, head) => {
    const { hostname, port } = new URL(`http://${request.url ?? ''}`);
    hosts.add(hostname);
    // The server gives the client's TCP socket, typed as what it may be on other transports.
    const near = client as Socket;
    const far = connect({ host: hostname, port: Number(port === '' ? 80 : port) }, () => {
      clearTimeout(giveUp);
      near.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      far.write(head);
      carry(near, far, pace);
    });
    // Some networks swallow packets to where they do not lead: the client is told, as other proxies do.
    const giveUp = setTimeout(() => {
      near.end('HTTP/1.1 504 Gateway Timeout\r\n\r\n');
      far.destroy();
    }, CONNECT_TIMEOUT_MS);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => [near, far].forEach((each) => each.destroy()));
      socket.on('close', () => clearTimeout(giveUp));
      socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    env: { HTTPS_PROXY: proxy, https_proxy: proxy, npm_config_https_proxy: proxy, NODE_USE_ENV_PROXY: '1', NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' },
    hosts,
    get passedBytes() {
      return pace.passed;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
