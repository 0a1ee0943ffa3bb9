import { LINK_HIGH_WATER_BYTES, MAX_FRAME_BYTES } from '@ciro/core/protocol/limits.ts';
import { slicesOf } from '@ciro/core/protocol/slices.ts';
import { LinkError } from './link-error.ts';
import { MAX_SEND_QUEUE_BYTES } from './transport-limits.ts';

/** The sending side of a data channel, as far as back-pressure needs it. */
export interface SliceChannel {
  /** Bytes handed over and not yet sent. */
  readonly bufferedBytes: number;
  send(slice: Uint8Array<ArrayBuffer>): void;
}

/**
 * Cuts frames into slices and hands them to a channel with two watermarks: above LINK_HIGH_WATER_BYTES it stops, and only
 * `drained` (the channel fell to LINK_LOW_WATER_BYTES) starts it again, so that the buffer is not filled one slice at a time.
 * Frames leave in the order of `send`. Receiving does not pass through here and never waits.
 */
export class FrameSender {
  readonly #channel: SliceChannel;
  readonly #waiting: Uint8Array[] = [];
  #current: Generator<Uint8Array<ArrayBuffer>> | undefined;
  #waitingBytes = 0;
  #frames = 0;
  #full = false;

  constructor(channel: SliceChannel) {
    this.#channel = channel;
  }

  /** Bytes of frames that have not begun to leave. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Throws LinkError `frame-too-large` or `queue-full`; the frame is then not sent. */
  send(frame: Uint8Array): void {
    if (frame.length > MAX_FRAME_BYTES) throw new LinkError('frame-too-large', `frame of ${frame.length} bytes; a link carries at most ${MAX_FRAME_BYTES}`, { fault: 'bug' });
    if (this.#waitingBytes + frame.length > MAX_SEND_QUEUE_BYTES) {
      throw new LinkError('queue-full', `${this.#waitingBytes} bytes already wait for a neighbour that does not take them; at most ${MAX_SEND_QUEUE_BYTES} may wait`, { fault: 'peer' });
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
    if (!this.#full) this.#pump();
  }

  /** The channel's buffer fell to the low watermark. */
  drained(): void {
    this.#full = false;
    this.#pump();
  }

  #pump(): void {
    while (!this.#full) {
      const slice = this.#next();
      if (slice === undefined) return;
      this.#channel.send(slice);
      this.#full = this.#channel.bufferedBytes > LINK_HIGH_WATER_BYTES;
    }
  }

  #next(): Uint8Array<ArrayBuffer> | undefined {
    const step = this.#current?.next();
    if (step !== undefined && step.done !== true) return step.value;
    const frame = this.#waiting.shift();
    if (frame === undefined) {
      this.#current = undefined;
      return undefined;
    }
    this.#waitingBytes -= frame.length;
    this.#current = slicesOf(frame, this.#frames);
    this.#frames = (this.#frames + 1) >>> 0;
    return this.#next();
  }
}
