import { CiroError } from '../../errors.ts';
import { BLOCK_FORMATS } from './block-formats.ts';
import { expandBF16, expandF16, expandF32 } from './plain-formats.ts';
import { expandQ4_0, expandQ4_1, expandQ5_0, expandQ5_1, expandQ8_0 } from './small-blocks.ts';
import { expandQ4_K, expandQ5_K, expandQ6_K } from './super-blocks.ts';
import type { Quantisation } from '../manifest.ts';

/** Bytes, elements or rows that don't fit each other. */
export class QuantisationError extends CiroError<'bad-byte-length' | 'bad-row-length' | 'rows-out-of-range'> {}

type Expand = (bytes: Uint8Array, out: Float32Array) => void;

const EXPAND: Record<Quantisation, Expand> = {
  F32: expandF32,
  F16: expandF16,
  BF16: expandBF16,
  Q4_0: expandQ4_0,
  Q4_1: expandQ4_1,
  Q5_0: expandQ5_0,
  Q5_1: expandQ5_1,
  Q8_0: expandQ8_0,
  Q4_K: expandQ4_K,
  Q5_K: expandQ5_K,
  Q6_K: expandQ6_K,
};

/** Bytes that `elements` elements of whole blocks take. Throws QuantisationError when they aren't whole blocks. */
export function quantisedBytes(type: Quantisation, elements: number): number {
  const format = BLOCK_FORMATS[type];
  if (!Number.isSafeInteger(elements) || elements < 0 || elements % format.elements !== 0) {
    throw new QuantisationError('bad-row-length', `${elements} elements are not whole ${type} blocks of ${format.elements}.`, {
      fault: 'bug',
      fields: { type, elements, blockElements: format.elements },
    });
  }
  return (elements / format.elements) * format.bytes;
}

/**
 * Expands a whole tensor to float32, bit for bit as ggml and the PyPI package `gguf` do.
 *
 * @param bytes blocks, back to back
 * @param out one float32 an element; its length says how many
 * @throws QuantisationError when `bytes` isn't exactly what `out.length` elements take
 */
export function dequantise(type: Quantisation, bytes: Uint8Array, out: Float32Array): void {
  const expected = quantisedBytes(type, out.length);
  if (bytes.length !== expected) {
    throw new QuantisationError('bad-byte-length', `${out.length} elements of ${type} take ${expected} bytes, not ${bytes.length}.`, {
      fault: 'bug',
      fields: { type, elements: out.length, expected, bytes: bytes.length },
    });
  }
  EXPAND[type](bytes, out);
}

/**
 * Expands rows `[firstRow, firstRow + rows)` of a matrix whose rows have `rowLength` elements.
 *
 * @param bytes the whole matrix
 * @param out `[rows, rowLength]` float32
 * @throws QuantisationError when the rows aren't in `bytes` or `out` has another size
 */
export function dequantiseRows(
  type: Quantisation,
  bytes: Uint8Array,
  rowLength: number,
  firstRow: number,
  rows: number,
  out: Float32Array,
): void {
  const rowBytes = quantisedBytes(type, rowLength);
  const end = (firstRow + rows) * rowBytes;
  const fits = Number.isInteger(firstRow) && Number.isInteger(rows) && firstRow >= 0 && rows >= 0 && end <= bytes.length;
  if (!fits || out.length !== rows * rowLength) {
    throw new QuantisationError(
      'rows-out-of-range',
      `Rows ${firstRow} to ${firstRow + rows} of ${rowLength} ${type} elements need ${end} bytes and room for ` +
        `${rows * rowLength} numbers; there are ${bytes.length} and ${out.length}.`,
      { fault: 'bug', fields: { type, rowLength, firstRow, rows, bytes: bytes.length, room: out.length } },
    );
  }
  EXPAND[type](bytes.subarray(firstRow * rowBytes, end), out);
}
