import { UNIT_POSITIONS } from './unit-hashes.ts';

/** A unit's payload, opened (SPEC U2). */
export interface PayloadRows {
  /** [positions, channels], a copy. */
  readonly rows: Float32Array;
  /** On the last stage, one a position; else empty. */
  readonly ids: Uint32Array;
}

/** Rows, and on the last stage ids, of a unit's payload at any byte offset; undefined when its length is not that of the shape. */
export function payloadRows(payload: Uint8Array, shape: { positions: number; channels: number; ids: boolean }): PayloadRows | undefined {
  const { positions, channels } = shape;
  const rowBytes = channels * Float32Array.BYTES_PER_ELEMENT;
  const stride = rowBytes + (shape.ids ? Uint32Array.BYTES_PER_ELEMENT : 0);
  if (!(positions > 0 && positions <= UNIT_POSITIONS) || payload.length !== positions * stride) return undefined;
  const rows = new Float32Array(positions * channels);
  const ids = new Uint32Array(shape.ids ? positions : 0);
  const rowsAsBytes = new Uint8Array(rows.buffer);
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  for (let row = 0; row < positions; row++) {
    rowsAsBytes.set(payload.subarray(row * stride, row * stride + rowBytes), row * rowBytes);
    if (shape.ids) ids[row] = view.getUint32(row * stride + rowBytes, true);
  }
  return { rows, ids };
}
