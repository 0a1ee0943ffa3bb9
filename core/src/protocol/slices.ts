import { MAX_FRAME_BYTES, MAX_OPEN_FRAMES, SLICE_BYTES, SLICE_HEADER_BYTES } from './limits.ts';
import { ProtocolError } from './parse.ts';

const BODY_BYTES = SLICE_BYTES - SLICE_HEADER_BYTES;

/** Cuts a frame into data-channel messages of at most SLICE_BYTES (SPEC F1). `frameId` rises by one a frame on a link. */
export function* slicesOf(frame: Uint8Array, frameId: number): Generator<Uint8Array<ArrayBuffer>> {
  const total = Math.max(1, Math.ceil(frame.length / BODY_BYTES));
  for (let index = 0; index < total; index++) {
    const body = frame.subarray(index * BODY_BYTES, (index + 1) * BODY_BYTES);
    const slice = new Uint8Array(SLICE_HEADER_BYTES + body.length);
    const view = new DataView(slice.buffer);
    view.setUint32(0, frameId, true);
    view.setUint32(4, index, true);
    view.setUint32(8, total, true);
    view.setUint32(12, frame.length, true);
    slice.set(body, SLICE_HEADER_BYTES);
    yield slice;
  }
}

interface OpenFrame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly seen: Uint8Array;
  left: number;
}

/** Puts frames together from slices in any order; bounded by MAX_OPEN_FRAMES frames of at most MAX_FRAME_BYTES (SPEC F1). */
export class SliceAssembler {
  readonly #open = new Map<number, OpenFrame>();

  /** Takes one message; returns the frame that it completes. Throws ProtocolError on a slice that cannot belong to a frame. */
  accept(slice: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    if (slice.length < SLICE_HEADER_BYTES || slice.length > SLICE_BYTES) throw refuse(`${slice.length} bytes`);
    const view = new DataView(slice.buffer, slice.byteOffset, slice.byteLength);
    const [id, index, total, length] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [number, number, number, number];
    if (length > MAX_FRAME_BYTES) throw new ProtocolError('too-large', `a frame of ${length} bytes was announced; at most ${MAX_FRAME_BYTES}`, { fault: 'peer' });
    if (total !== Math.max(1, Math.ceil(length / BODY_BYTES)) || index >= total) throw refuse(`slice ${index} of ${total} for ${length} bytes`);
    const body = slice.subarray(SLICE_HEADER_BYTES);
    if (body.length !== Math.min(BODY_BYTES, length - index * BODY_BYTES)) throw refuse(`slice ${index} of ${total} has ${body.length} bytes`);
    let frame = this.#open.get(id);
    if (frame === undefined) {
      if (this.#open.size >= MAX_OPEN_FRAMES) throw new ProtocolError('too-many-open-frames', `${MAX_OPEN_FRAMES} frames are unfinished already`, { fault: 'peer' });
      frame = { bytes: new Uint8Array(length), seen: new Uint8Array(total), left: total };
      this.#open.set(id, frame);
    }
    if (frame.bytes.length !== length || frame.seen[index] === 1) throw refuse(`slice ${index} of frame ${id} is a repeat or of another length`);
    frame.seen[index] = 1;
    frame.bytes.set(body, index * BODY_BYTES);
    if (--frame.left > 0) return undefined;
    this.#open.delete(id);
    return frame.bytes;
  }
}

function refuse(what: string): ProtocolError {
  return new ProtocolError('bad-frame', `slice refused: ${what}`, { fault: 'peer' });
}
