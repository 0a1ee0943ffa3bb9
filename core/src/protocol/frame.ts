import { fromHex, toHex } from '../bytes.ts';
import type { JobId } from '../ids.ts';
import { FRAME_HEADER_BYTES, MAX_DRAFTS, MAX_FRAME_BYTES, MAX_FRAME_ROWS, PROTOCOL_VERSION } from './limits.ts';
import { ProtocolError } from './parse.ts';

/** First byte of every frame: tells our data from anything else a channel might carry. */
const MAGIC = 0xc1;

/** Kinds of frame (SPEC F2). */
export const FRAME_KINDS = { rows: 1, ids: 2, receipt: 3, heartbeat: 4, acknowledgement: 5, head: 6, drafts: 7 } as const;
export type FrameKind = keyof typeof FRAME_KINDS;
const KIND_NAMES = new Map<number, FrameKind>(Object.entries(FRAME_KINDS).map(([name, code]) => [code, name as FrameKind]));

/** Header fields of a frame; the layout is drawn in SPEC F2. */
export interface FrameHeader {
  readonly kind: FrameKind;
  readonly job: JobId;
  readonly planVersion: number;
  /** Absolute position of the first row; ids and drafts follow the positions from it on. */
  readonly position: number;
  /** Rows, ids or drafts in the payload; 0 for every other kind. */
  readonly count: number;
  /** Positions below this are accepted (SPEC U1). */
  readonly acceptedTo: number;
  /** Stage that sent it. */
  readonly stage: number;
  /** The next rows or ids on this link are of the same run: whoever computes them together again loses nothing by waiting (SPEC E2). */
  readonly more?: true;
}

/** A frame: header and payload. Rows: little-endian float32, count * channels. Ids, drafts: little-endian uint32. Receipt, acknowledgement, head: UTF-8 JSON. */
export interface Frame extends FrameHeader {
  readonly payload: Uint8Array;
}

/** Bytes of a frame. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + frame.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, MAGIC);
  view.setUint8(1, PROTOCOL_VERSION);
  view.setUint8(2, FRAME_KINDS[frame.kind]);
  view.setUint8(3, frame.more === true ? 1 : 0);
  view.setUint16(4, frame.stage, true);
  bytes.set(fromHex(frame.job), 8);
  view.setUint32(24, frame.planVersion, true);
  view.setUint32(28, frame.position, true);
  view.setUint32(32, frame.count, true);
  view.setUint32(36, frame.acceptedTo, true);
  view.setUint32(40, frame.payload.length, true);
  bytes.set(frame.payload, FRAME_HEADER_BYTES);
  return bytes;
}

/**
 * The frame in `bytes` (whole, already put together from slices). The payload is a view, aligned for float32.
 * Throws `bad-frame` (length, magic, kind, counts), `wrong-version` or `too-large`, naming the field (SPEC F2).
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < FRAME_HEADER_BYTES) throw bad(`${bytes.length} bytes; the header alone has ${FRAME_HEADER_BYTES}`);
  if (bytes.length > MAX_FRAME_BYTES) throw new ProtocolError('too-large', `frame of ${bytes.length} bytes; at most ${MAX_FRAME_BYTES}`, { fault: 'peer' });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== MAGIC) throw bad(`first byte ${view.getUint8(0)} instead of ${MAGIC}`);
  const version = view.getUint8(1);
  if (version !== PROTOCOL_VERSION) throw new ProtocolError('wrong-version', `frame of protocol ${version}; this side speaks ${PROTOCOL_VERSION}: reload the page`, { fault: 'peer', fields: { version } });
  const kind = KIND_NAMES.get(view.getUint8(2));
  if (kind === undefined) throw bad(`kind ${view.getUint8(2)} is not known`);
  const more = view.getUint8(3);
  if (more > 1) throw bad(`more is ${more}; it is 0 or 1`);
  if (view.getUint16(6, true) !== 0 || view.getUint32(44, true) !== 0) throw bad('reserved bytes are not zero');
  const length = view.getUint32(40, true);
  if (length !== bytes.length - FRAME_HEADER_BYTES) throw bad(`payload length ${length} but ${bytes.length - FRAME_HEADER_BYTES} bytes follow the header`);
  const count = view.getUint32(32, true);
  if (count > MAX_FRAME_ROWS) throw bad(`count ${count}; at most ${MAX_FRAME_ROWS}`);
  const counts = kind === 'rows' || kind === 'ids' || kind === 'drafts';
  if (counts && (count === 0 || length === 0 || length % (4 * count) !== 0)) throw bad(`${length} bytes for ${count} ${kind}`);
  if (counts && kind !== 'rows' && length !== 4 * count) throw bad(`${length} bytes for ${count} ${kind} of 4 bytes`);
  if (kind === 'drafts' && count > MAX_DRAFTS) throw bad(`count ${count}; at most ${MAX_DRAFTS} drafts`);
  if (!counts && count !== 0) throw bad(`count ${count} in a ${kind}`);
  if (kind !== 'rows' && kind !== 'ids' && more !== 0) throw bad(`more to come after a ${kind}`);
  if (kind === 'heartbeat' && length !== 0) throw bad(`${length} bytes in a heartbeat`);
  const position = view.getUint32(28, true);
  if (position + count > 0xffffffff) throw bad(`positions ${position}+${count} overflow`);
  return {
    kind,
    stage: view.getUint16(4, true),
    job: toHex(bytes.subarray(8, 24)) as JobId,
    planVersion: view.getUint32(24, true),
    position,
    count,
    acceptedTo: view.getUint32(36, true),
    ...(more === 1 && { more: true }),
    payload: bytes.subarray(FRAME_HEADER_BYTES),
  };
}

function bad(what: string): ProtocolError {
  return new ProtocolError('bad-frame', `data frame refused: ${what}`, { fault: 'peer' });
}
