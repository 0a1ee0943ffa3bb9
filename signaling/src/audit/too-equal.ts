import type { Piece } from './piece-assembler.ts';

/** Elements that must agree to the last bit before that says anything: a small stage's few may, by chance. */
const MIN_ELEMENTS = 256;

/**
 * True when an auditor's rows are the payload's, bit for bit, although its engine is of another class than the worker's: such
 * engines share about half of their bits (design, B.5), so these rows were copied. `ids`: payload rows carry them.
 */
export function isTooEqual(rows: readonly Piece[], payloads: readonly Piece[], options: { readonly channels: number; readonly ids: boolean }): boolean {
  const rowBytes = 4 * options.channels;
  const stride = rowBytes + (options.ids ? 4 : 0);
  let elements = 0;
  for (const [unit, { bytes }] of rows.entries()) {
    const payload = payloads[unit]?.bytes ?? new Uint8Array();
    for (let row = 0; row * rowBytes < bytes.length; row++) {
      if (Buffer.compare(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), payload.subarray(row * stride, row * stride + rowBytes)) !== 0) return false;
    }
    elements += bytes.length / 4;
  }
  return elements >= MIN_ELEMENTS;
}
