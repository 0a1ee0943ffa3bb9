import { io, type Socket } from 'socket.io-client';
import * as msgpack from 'socket.io-msgpack-parser';
import { parseCoordinatorMessage, ProtocolError } from '@ciro/core/protocol/parse.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import { CONNECT_TIMEOUT_MS, RECONNECT_FIRST_MS, RECONNECT_MAX_MS } from './transport-limits.ts';

/** What the socket tells its owner. */
export interface SignalingEvents {
  /** Connected, for the first time or again: the coordinator's challenge comes next. */
  onUp(): void;
  /** The connection is gone; a new attempt is under way unless `close` was called. */
  onDown(reason: string): void;
  onMessage(message: CoordinatorMessage): void;
  /** Something came that is no message of this protocol; it was dropped. */
  onMalformed(error: ProtocolError): void;
}

/** The control connection to the coordinator: typed messages both ways, one event each way, reconnecting with jitter. */
export class SignalingSocket {
  readonly #socket: Socket;
  readonly #events: SignalingEvents;
  #again: ReturnType<typeof setTimeout> | undefined;

  /** `origin`: where the coordinator is, e.g. `https://ciro.example`. Connects at once. */
  constructor(origin: string, events: SignalingEvents) {
    this.#events = events;
    this.#socket = io(origin, {
      path: '/socket',
      transports: ['websocket'],
      parser: msgpack,
      forceNew: true,
      timeout: CONNECT_TIMEOUT_MS,
      reconnectionDelay: RECONNECT_FIRST_MS,
      reconnectionDelayMax: RECONNECT_MAX_MS,
      randomizationFactor: 0.5,
    });
    this.#socket.on('connect', () => events.onUp());
    this.#socket.on('m', (value: unknown) => this.#received(value));
    this.#socket.on('connect_error', (error) => events.onDown(error.message));
    this.#socket.on('disconnect', (reason) => {
      events.onDown(reason);
      // The library does not come back by itself when the server closed the socket; whoever was refused for good calls close.
      if (reason === 'io server disconnect') this.#again = setTimeout(() => this.#socket.connect(), RECONNECT_MAX_MS * (0.5 + Math.random()));
    });
  }

  /** False when there is no connection: the message is not kept, because the next connection begins with a new hello. */
  send(message: WorkerMessage): boolean {
    if (!this.#socket.connected) return false;
    this.#socket.emit('m', message);
    return true;
  }

  close(): void {
    clearTimeout(this.#again);
    this.#socket.disconnect();
  }

  #received(value: unknown): void {
    let message: CoordinatorMessage;
    try {
      message = parseCoordinatorMessage(withByteArrays(value));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return this.#events.onMalformed(error);
    }
    this.#events.onMessage(message);
  }
}

/** The parser gives binary fields as ArrayBuffer in a browser and as Buffer in Node; messages say Uint8Array. */
function withByteArrays(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]: [string, unknown]) => [key, field instanceof ArrayBuffer ? new Uint8Array(field) : field]));
}
