import { MAX_FRAME_BYTES, RELAY_TAKEN_BYTES } from '@ciro/core/protocol/limits.ts';
import { LinkError } from './link-error.ts';

/** A piece is answered at once when none was for this long: round trips are measured by that, twice a second on a quiet link. */
const TELL_AFTER_MS = 500;

/** Puts frames together from the pieces of a relayed link, which come in order, and says when to tell what was taken (SPEC L3). */
export class RelayReceiver {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #untold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /**
   * Takes a piece; gives the frame that it ends, and the bytes to tell the other end about now (0: later).
   * Throws LinkError `bad-relay` for a frame that is longer than any.
   */
  accept(piece: Uint8Array, last: boolean, now: number): { readonly frame: Uint8Array<ArrayBuffer> | undefined; readonly tell: number } {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_FRAME_BYTES) throw new LinkError('bad-relay', `a frame of more than ${MAX_FRAME_BYTES} bytes`, { fault: 'peer' });
    this.#pieces.push(piece);
    const frame = last ? this.#whole() : undefined;
    this.#untold += piece.length;
    if (this.#untold < RELAY_TAKEN_BYTES && now - this.#toldAt < TELL_AFTER_MS) return { frame, tell: 0 };
    const tell = this.#untold;
    this.#untold = 0;
    this.#toldAt = now;
    return { frame, tell };
  }

  /** One array of its own, whatever the pieces were views of. */
  #whole(): Uint8Array<ArrayBuffer> {
    const frame = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces.splice(0)) {
      frame.set(piece, at);
      at += piece.length;
    }
    this.#bytes = 0;
    return frame;
  }
}
