import { io } from 'socket.io-client';
import * as parser from 'socket.io-msgpack-parser';
import type { Socket } from 'socket.io-client';

/** A connection to the coordinator's control socket that speaks no protocol at all. */
export interface GarbageSender {
  /** Messages that the coordinator answered with, in order. */
  readonly heard: readonly unknown[];
  send(...what: readonly unknown[]): void;
  /** Resolves when the coordinator has ended the connection. */
  readonly ended: Promise<void>;
}

/** Connects as a tab does, with the same transport and coding. */
export async function connectGarbage(url: string): Promise<GarbageSender> {
  const socket: Socket = io(url, { path: '/socket', transports: ['websocket'], parser, reconnection: false, forceNew: true });
  const heard: unknown[] = [];
  socket.on('m', (message: unknown) => heard.push(message));
  const ended = new Promise<void>((resolve) => socket.once('disconnect', () => resolve()));
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  return { heard, send: (...what) => void socket.emit('m', ...what), ended };
}

/** What a broken or hostile program might send: wrong shapes, wrong types, wrong versions, things far too large. */
export const GARBAGE: readonly unknown[] = [
  undefined,
  null,
  42,
  'plan',
  [],
  {},
  { type: 'no-such-message' },
  { type: 'hello', protocol: 99_999 },
  { type: 'token', job: '0'.repeat(32), version: 1, position: 0, id: 7 },
  { type: 'root', job: 'not hex', salts: Array.from({ length: 100 }, () => 'x'.repeat(1_000)) },
  { type: 'signal', to: '../../etc/passwd', link: 'x', payload: '{' },
  { type: 'profile', engine: 'abacus', layerMs: Number.NaN, layerMs16: -1, headMs: Infinity, memoryBudgetBytes: 1e300 },
  new Uint8Array(4_096),
  { __proto__: { type: 'hello' }, constructor: 'x' },
];
