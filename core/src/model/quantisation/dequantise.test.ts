import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { fromBase64 } from '../../bytes.ts';
import { QUANTISATIONS } from '../manifest.ts';
import { BLOCK_FORMATS } from './block-formats.ts';
import { dequantise, dequantiseRows, quantisedBytes } from './dequantise.ts';
import { halfToFloat32Bits, halfToNumber } from './half.ts';

const Vectors = v.object({
  origin: v.unknown(),
  cases: v.array(
    v.object({ type: v.picklist(QUANTISATIONS), elements: v.number(), input_base64: v.string(), expected_base64: v.string() }),
  ),
});
const { cases } = v.parse(Vectors, JSON.parse(readFileSync(new URL('../../../vectors/dequantise.json', import.meta.url), 'utf8')));

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

test('the vectors cover every block format', () => {
  expect(new Set(cases.map((item) => item.type))).toEqual(new Set(QUANTISATIONS));
});

test.each(cases.map((item, index) => ({ ...item, index })))(
  'vector $index ($type, $elements elements) expands to the bits of the independent implementation',
  ({ type, elements, input_base64, expected_base64 }) => {
    const out = new Float32Array(elements);
    dequantise(type, fromBase64(input_base64), out);
    expect(Buffer.from(bytesOf(out)).equals(fromBase64(expected_base64))).toBe(true);
  },
);

test.each(QUANTISATIONS)('%s rows cut out of a matrix equal the same rows of the whole matrix', (type) => {
  const rowLength = 512;
  const rows = 5;
  const bytes = new Uint8Array(quantisedBytes(type, rowLength * rows)).map((_, index) => (index * 37 + 11) & 0x3f);
  const whole = new Float32Array(rowLength * rows);
  dequantise(type, bytes, whole);
  const middle = new Float32Array(rowLength * 2);
  dequantiseRows(type, bytes, rowLength, 2, 2, middle);
  expect(bytesOf(middle)).toEqual(bytesOf(whole.subarray(2 * rowLength, 4 * rowLength)));
});

test.each(QUANTISATIONS)('%s reads blocks at any byte offset and writes into any part of a buffer', (type) => {
  const elements = 512;
  const bytes = new Uint8Array(quantisedBytes(type, elements)).map((_, index) => (index * 29 + 5) & 0x3f);
  const aligned = new Float32Array(elements);
  dequantise(type, bytes, aligned);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const room = new Float32Array(elements + 2);
  dequantise(type, shifted.subarray(3), room.subarray(1, elements + 1));
  expect(room.subarray(1, elements + 1)).toEqual(aligned);
  expect([room[0], room[elements + 1]]).toEqual([0, 0]);
});

test('every half-precision number becomes the float32 of the same value', () => {
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let half = 0; half < 65_536; half++) {
    bits[0] = halfToFloat32Bits(half);
    if (!Object.is(halfToNumber(half), float[0])) throw new Error(`half 0x${half.toString(16)}: ${halfToNumber(half)} is not ${float[0]}`);
  }
  expect(halfToNumber(0x3c00)).toBe(1);
  expect(halfToNumber(0x0001)).toBe(2 ** -24);
  expect(halfToNumber(0x7bff)).toBe(65_504);
  expect(Object.is(halfToNumber(0x8000), -0)).toBe(true);
});

test('lengths that are not whole blocks are refused with the numbers', () => {
  expect(() => dequantise('Q4_1', new Uint8Array(20), new Float32Array(33))).toThrowErrorMatchingInlineSnapshot(`[QuantisationError: 33 elements are not whole Q4_1 blocks of 32.]`);
  expect(() => dequantise('Q6_K', new Uint8Array(209), new Float32Array(256))).toThrowErrorMatchingInlineSnapshot(`[QuantisationError: 256 elements of Q6_K take 210 bytes, not 209.]`);
  expect(() => dequantiseRows('Q8_0', new Uint8Array(68), 32, 1, 2, new Float32Array(64))).toThrowErrorMatchingInlineSnapshot(`[QuantisationError: Rows 1 to 3 of 32 Q8_0 elements need 102 bytes and room for 64 numbers; there are 68 and 64.]`);
  expect(BLOCK_FORMATS.Q6_K).toEqual({ elements: 256, bytes: 210 });
});
