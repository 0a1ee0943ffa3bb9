import { fromHex, toHex } from '../bytes.ts';
import { PROTOCOL_VERSION, WEIGHTS_CHUNK_BYTES } from './limits.ts';
import { ProtocolError } from './parse.ts';

/** First byte of every frame on a weights link. */
const MAGIC = 0xc2;
const HEADER_BYTES = 40;
const SIGNATURE_BYTES = 64;
const KINDS = { request: 1, chunk: 2, refusal: 3 } as const;

/** Why a giver gives nothing, by the number that travels (SPEC D7). */
export const WEIGHTS_REFUSALS = ['busy', 'unknown-shard', 'out-of-range', 'too-many', 'enough'] as const;
export type WeightsRefusal = (typeof WEIGHTS_REFUSALS)[number];

/** A frame of a weights link; `chunk` counts from 0 in the shard with this hash (SPEC D6). */
export type WeightsFrame =
  | { readonly kind: 'request'; readonly shard: string; readonly chunk: number }
  | { readonly kind: 'chunk'; readonly shard: string; readonly chunk: number; readonly signature: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'refusal'; readonly shard: string; readonly chunk: number; readonly code: WeightsRefusal };

/** Bytes of a frame. No frame has the length of a heartbeat, which the same link carries. */
export function encodeWeightsFrame(frame: WeightsFrame): Uint8Array<ArrayBuffer> {
  const body = frame.kind === 'chunk' ? SIGNATURE_BYTES + frame.bytes.length : frame.kind === 'refusal' ? 4 : 0;
  const out = new Uint8Array(HEADER_BYTES + body);
  const view = new DataView(out.buffer);
  out.set([MAGIC, PROTOCOL_VERSION, KINDS[frame.kind], 0]);
  view.setUint32(4, frame.chunk, true);
  out.set(fromHex(frame.shard), 8);
  if (frame.kind === 'refusal') view.setUint32(HEADER_BYTES, WEIGHTS_REFUSALS.indexOf(frame.code), true);
  if (frame.kind === 'chunk') {
    out.set(fromHex(frame.signature), HEADER_BYTES);
    out.set(frame.bytes, HEADER_BYTES + SIGNATURE_BYTES);
  }
  return out;
}

/** The frame in `bytes`; a chunk's bytes are a copy. Throws ProtocolError `bad-frame` or `wrong-version`, naming what is wrong. */
export function decodeWeightsFrame(bytes: Uint8Array): WeightsFrame {
  if (bytes.length < HEADER_BYTES) throw bad(`${bytes.length} bytes; the header alone has ${HEADER_BYTES}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== MAGIC || bytes[3] !== 0) throw bad(`it begins with ${toHex(bytes.subarray(0, 4))}`);
  if (bytes[1] !== PROTOCOL_VERSION) throw new ProtocolError('wrong-version', `weights frame of protocol ${bytes[1]}; this side speaks ${PROTOCOL_VERSION}: reload the page`, { fault: 'peer' });
  const named = { shard: toHex(bytes.subarray(8, HEADER_BYTES)), chunk: view.getUint32(4, true) };
  const body = bytes.subarray(HEADER_BYTES);
  switch (bytes[2]) {
    case KINDS.request:
      if (body.length > 0) throw bad(`${body.length} bytes after a request`);
      return { kind: 'request', ...named };
    case KINDS.refusal: {
      const code = body.length === 4 ? WEIGHTS_REFUSALS[view.getUint32(HEADER_BYTES, true)] : undefined;
      if (code === undefined) throw bad(`a refusal without a known code in ${body.length} bytes`);
      return { kind: 'refusal', ...named, code };
    }
    case KINDS.chunk: {
      const length = body.length - SIGNATURE_BYTES;
      if (length < 1 || length > WEIGHTS_CHUNK_BYTES) throw bad(`a chunk of ${length} bytes; 1 to ${WEIGHTS_CHUNK_BYTES} are one`);
      return { kind: 'chunk', ...named, signature: toHex(body.subarray(0, SIGNATURE_BYTES)), bytes: body.slice(SIGNATURE_BYTES) };
    }
    default:
      throw bad(`kind ${bytes[2]} is not known`);
  }
}

function bad(what: string): ProtocolError {
  return new ProtocolError('bad-frame', `weights frame refused: ${what}`, { fault: 'peer' });
}
