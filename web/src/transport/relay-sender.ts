import { MAX_FRAME_BYTES, RELAY_PIECE_BYTES, RELAY_WINDOW_BYTES } from '@ciro/core/protocol/limits.ts';
import { LinkError } from './link-error.ts';
import { MAX_SEND_QUEUE_BYTES } from './transport-limits.ts';

/** Hands on the next piece of a frame; `last` ends it. */
export type SendPiece = (bytes: Uint8Array<ArrayBuffer>, last: boolean) => void;

/**
 * Cuts frames into pieces and sends them as far as the window allows: RELAY_WINDOW_BYTES may be on the way, and what the other end took
 * makes room (SPEC L3). Frames leave in the order of `send`. Measures the round trip by what is taken.
 */
export class RelaySender {
  readonly #send: SendPiece;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  /** Bytes of the first waiting frame that have left. */
  #offset = 0;
  #sent = 0;
  #taken = 0;
  /** Pieces on the way: where each ends, and when it left. */
  readonly #onTheWay: { readonly end: number; readonly at: number }[] = [];
  #rttMs = 0;

  constructor(send: SendPiece) {
    this.#send = send;
  }

  /** Bytes that have not left. */
  get waitingBytes(): number {
    return this.#waitingBytes - this.#offset;
  }

  /** Of the newest piece that was taken at once, in milliseconds; 0 before the first. */
  get rttMs(): number {
    return this.#rttMs;
  }

  /** Throws LinkError `frame-too-large` or `queue-full`; the frame is then not sent. `now`: milliseconds of a monotonic clock. */
  send(frame: Uint8Array, now: number): void {
    if (frame.length > MAX_FRAME_BYTES) throw new LinkError('frame-too-large', `frame of ${frame.length} bytes; a link carries at most ${MAX_FRAME_BYTES}`, { fault: 'bug' });
    if (this.waitingBytes + frame.length > MAX_SEND_QUEUE_BYTES) {
      throw new LinkError('queue-full', `${this.waitingBytes} bytes already wait for a neighbour that does not take them; at most ${MAX_SEND_QUEUE_BYTES} may wait`, { fault: 'peer' });
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    this.#pump(now);
  }

  /** The other end took so many bytes more. Throws LinkError `bad-relay` when that is more than were on the way. */
  taken(bytes: number, now: number): void {
    if (bytes > this.#sent - this.#taken) throw new LinkError('bad-relay', `${bytes} bytes are said to be taken; ${this.#sent - this.#taken} were on the way`, { fault: 'peer' });
    this.#taken += bytes;
    while (this.#onTheWay[0] !== undefined && this.#onTheWay[0].end <= this.#taken) {
      const piece = this.#onTheWay.shift();
      // The other end tells at once, by the piece that made it tell.
      if (piece?.end === this.#taken) this.#rttMs = now - piece.at;
    }
    this.#pump(now);
  }

  #pump(now: number): void {
    for (let frame = this.#waiting[0]; frame !== undefined; frame = this.#waiting[0]) {
      const bytes = frame.slice(this.#offset, this.#offset + RELAY_PIECE_BYTES);
      if (this.#sent - this.#taken + bytes.length > RELAY_WINDOW_BYTES) return;
      this.#offset += bytes.length;
      this.#sent += bytes.length;
      this.#onTheWay.push({ end: this.#sent, at: now });
      const last = this.#offset === frame.length;
      if (last) {
        this.#waiting.shift();
        this.#waitingBytes -= frame.length;
        this.#offset = 0;
      }
      this.#send(bytes, last);
    }
  }
}
