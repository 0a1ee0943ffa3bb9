import { Server } from 'socket.io';
import * as parser from 'socket.io-msgpack-parser';
import { MAX_CONTROL_BYTES, SOCKET_PING_MS, SOCKET_PING_TIMEOUT_MS } from '@ciro/core/protocol/limits.ts';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Socket } from 'socket.io';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { clientAddress, trustedProxies } from './client-address.ts';
import { Admission } from '../sessions/admission.ts';
import { systemClock } from '../sessions/clock.ts';
import { INPUT_BURST_BYTES, INPUT_BYTES_PER_SECOND } from '../sessions/session-limits.ts';
import { TokenBucket } from '../sessions/token-bucket.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { TrustsProxy } from './client-address.ts';

/** Path of the control socket. */
export const SOCKET_PATH = '/socket';
/** The one event, in both directions: its one argument is the message. */
const MESSAGE_EVENT = 'm';
/** From the transport's handshake to the namespace's; an honest client sends both at once. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Messages waiting for a client that does not read: a busy one is sent a few a second. */
const MAX_UNSENT_MESSAGES = 512;
/** When the server stops, clients get this long to take what was sent and to close. */
const CLOSE_GRACE_MS = 1_000;

export interface SocketDeps {
  readonly sessions: Sessions;
  /** Where what should not have happened goes; the connection is closed, the others go on. */
  readonly onError: (error: unknown) => void;
}

export interface SocketOptions {
  /** Origins besides the server's own that may connect, e.g. `https://example.org`. */
  readonly allowedOrigins?: readonly string[];
  readonly maxConnectionsPerAddress?: number;
  /** Proxies that are believed about who their client is; those of this machine when absent. */
  readonly trusts?: TrustsProxy;
  /** Interval of the transport's pings, which also measure the round trip. */
  readonly pingMs?: number;
}

/** The request as the transport leaves it: with the WebSocket below it. */
type EngineRequest = IncomingMessage & { readonly websocket: { pause(): void; resume(): void } };

/** Serves the control socket on `httpServer`. `close` ends the connections and leaves the server itself to its owner. */
export function attachSocket(httpServer: HttpServer | HttpsServer, deps: SocketDeps, options: SocketOptions = {}): { close(): Promise<void> } {
  const open = new Set<Duplex>();
  const trusts = options.trusts ?? trustedProxies();
  const admission = new Admission(systemClock, options.maxConnectionsPerAddress);
  const io = new Server(httpServer, {
    path: SOCKET_PATH,
    parser,
    transports: ['websocket'],
    serveClient: false,
    maxHttpBufferSize: MAX_CONTROL_BYTES,
    pingInterval: options.pingMs ?? SOCKET_PING_MS,
    pingTimeout: SOCKET_PING_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    allowRequest: (request, answer) => answer(null, isAllowed(request, options.allowedOrigins ?? [])),
  });
  io.on('connection', (socket) => {
    const { address: remote, headers } = socket.handshake;
    const address = clientAddress(remote, headers['x-forwarded-for'], trusts);
    const tcp = socket.request.socket;
    open.add(tcp);
    tcp.once('close', () => open.delete(tcp));
    socket.on('disconnect', () => admission.leave(address));
    serve(socket, deps, admission.enter(address));
  });
  return {
    async close() {
      io.disconnectSockets(true);
      io.engine.close();
      const closed = [...open].map((tcp) => new Promise((resolve) => tcp.once('close', resolve)));
      const grace = setTimeout(() => open.forEach((tcp) => tcp.destroy()), CLOSE_GRACE_MS);
      await Promise.all(closed);
      clearTimeout(grace);
    },
  };
}

/** The adapter between one socket and its session. */
function serve(socket: Socket, { sessions, onError }: SocketDeps, full: string | undefined): void {
  // Packets that the transport has not taken yet.
  let unsent = 0;
  let tooSlow = false;
  socket.conn.on('packetCreate', () => unsent++);
  socket.conn.on('drain', () => (unsent = 0));
  const session = sessions.open({
    send(message) {
      if (socket.conn.readyState !== 'open' || tooSlow) return;
      tooSlow = unsent > MAX_UNSENT_MESSAGES;
      // A turn later: the caller may be in the middle of telling several workers something. A polite close would wait for a reader.
      if (tooSlow) setImmediate(() => socket.request.socket.destroy());
      else socket.emit(MESSAGE_EVENT, withBuffers(message));
    },
    close: () => void socket.disconnect(true),
  });
  const guarded = (task: () => void): void => {
    try {
      task();
    } catch (error) {
      onError(error);
      session.end('an error in the coordinator');
    }
  };
  socket.onAny((event: string, ...args: unknown[]) => guarded(() => session.receive(event === MESSAGE_EVENT && args.length === 1 ? args[0] : undefined)));
  socket.on('disconnect', (reason) => guarded(() => session.end(reason)));
  // The transport's own pings measure the round trip without a message of ours.
  let pingedAt = 0;
  socket.conn.on('packetCreate', (packet: { type: string }) => {
    if (packet.type === 'ping') pingedAt = performance.now();
  });
  socket.conn.on('heartbeat', () => {
    if (pingedAt > 0) guarded(() => session.measured(performance.now() - pingedAt));
    pingedAt = 0;
  });
  socket.on('disconnect', slowDown(socket));
  if (full !== undefined) session.refuse('full', full);
}

/**
 * Reads no faster from a client than a session's share of bytes: what is beyond waits in the client's own socket, so that
 * uploads of any size go through and none fills our memory. Returns how to end it.
 */
function slowDown({ conn }: Socket): () => void {
  const budget = new TokenBucket(INPUT_BURST_BYTES, INPUT_BYTES_PER_SECOND, systemClock.now());
  // Engine.IO hangs it on the request; its types say so only inside.
  const { websocket: stream } = conn.request as EngineRequest;
  let cancel: () => void = () => undefined;
  conn.on('packet', ({ data }: { readonly data?: string | Buffer }) => {
    const ms = budget.spend(data?.length ?? 0, systemClock.now());
    if (ms === 0) return;
    cancel();
    stream.pause();
    cancel = systemClock.after(ms, () => stream.resume());
  });
  return () => cancel();
}

/** The parser sends only a Buffer as binary of exactly its length; of another view it would send the whole memory behind it. */
function withBuffers(message: CoordinatorMessage): CoordinatorMessage {
  if (message.type === 'piece' || message.type === 'relay') return { ...message, bytes: asBuffer(message.bytes) };
  return message.type === 'plan' && message.promptIds !== null ? { ...message, promptIds: asBuffer(message.promptIds) } : message;
}

const asBuffer = <Memory extends ArrayBufferLike>({ buffer, byteOffset, byteLength }: Uint8Array<Memory>) => Buffer.from(buffer, byteOffset, byteLength);

/** A page of another site must not use a visitor's browser as a worker: same origin or listed. What is no browser sends none. */
function isAllowed(request: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
