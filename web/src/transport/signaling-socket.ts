import { io, type Socket } from 'socket.io-client';
import * as msgpack from 'socket.io-msgpack-parser';
import { parseCoordinatorMessage, ProtocolError } from '@ciro/core/protocol/parse.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import { CONNECT_TIMEOUT_MS, CONTROL_CLEAR_BYTES, CONTROL_POLL_MS, RECONNECT_FIRST_MS, RECONNECT_MAX_MS } from './transport-limits.ts';

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
    this.#socket.emit('m', message.type === 'piece' || message.type === 'relay' ? { ...message, bytes: wholeBuffer(message.bytes) } : message);
    return true;
  }

  /**
   * Sends, and resolves when little enough waits to leave that a token sent now is not held up. False when there is no
   * connection, or it broke meanwhile.
   */
  async sendWhenClear(message: WorkerMessage): Promise<boolean> {
    if (!this.send(message)) return false;
    const { id, io: { engine } } = this.#socket;
    const connected = (): boolean => this.#socket.connected && this.#socket.id === id;
    // The library itself hands over in its next turn.
    if (engine.writeBuffer.length > 0) await handedOver(engine);
    while (connected() && bufferedBytes(engine.transport) > CONTROL_CLEAR_BYTES) await new Promise((resolve) => setTimeout(resolve, CONTROL_POLL_MS));
    return connected();
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

/** Resolves when the library has given the WebSocket all that waited, or is closed. */
function handedOver(engine: Socket['io']['engine']): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      engine.off('drain', done);
      engine.off('close', done);
      resolve();
    };
    engine.on('drain', done);
    engine.on('close', done);
  });
}

/** Bytes that the WebSocket has not sent yet; the transport does not show its socket in its type. 0 where it has none. */
function bufferedBytes(transport: unknown): number {
  const socket: unknown = typeof transport === 'object' && transport !== null && 'ws' in transport ? transport.ws : undefined;
  const bytes: unknown = typeof socket === 'object' && socket !== null && 'bufferedAmount' in socket ? socket.bufferedAmount : 0;
  return typeof bytes === 'number' ? bytes : 0;
}

/** The parser's build for browsers writes ArrayBuffers as binary; a byte array would go out as an object of numbered fields. */
const wholeBuffer = (bytes: Uint8Array): ArrayBufferLike => (bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer);

/** The parser gives binary fields as ArrayBuffer in a browser and as Buffer in Node; messages say Uint8Array. */
function withByteArrays(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]: [string, unknown]) => [key, field instanceof ArrayBuffer ? new Uint8Array(field) : field]));
}
