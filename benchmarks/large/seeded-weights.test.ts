import { expect, test } from 'vitest';
import { dequantise } from '@ciro/core/model/quantisation/dequantise.ts';
import { BLOCK_ELEMENTS, matrixBytes, seededGains, seededMatrix } from './seeded-weights.ts';

const ELEMENTS = 1_000 * BLOCK_ELEMENTS;
const SPREAD = 1 / Math.sqrt(512);

function matrix(seed: number, pieceBlocks?: number): Uint8Array {
  const pieces = [...seededMatrix(seed, ELEMENTS, SPREAD, pieceBlocks)].map((piece) => piece.slice());
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

test('a seed gives the same bytes every time, and another seed others', () => {
  expect(matrix(7)).toEqual(matrix(7));
  expect(matrix(7)).not.toEqual(matrix(8));
  expect(matrix(7)).toHaveLength(matrixBytes(ELEMENTS));
});

test('pieces are whole blocks, the last one what is left', () => {
  expect([...seededMatrix(1, ELEMENTS, SPREAD, 300)].map((piece) => piece.length / 34)).toEqual([300, 300, 300, 100]);
  expect(() => [...seededMatrix(1, ELEMENTS + 1, SPREAD)]).toThrow(RangeError);
});

test('the elements have the spread that was asked for, about zero, and steps that differ from block to block', () => {
  const values = new Float32Array(ELEMENTS);
  const bytes = matrix(7);
  dequantise('Q8_0', bytes, values);
  const mean = values.reduce((sum, value) => sum + value, 0) / ELEMENTS;
  const rms = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / ELEMENTS);
  expect(Math.abs(mean)).toBeLessThan(0.02 * SPREAD);
  expect(Math.abs(rms / SPREAD - 1)).toBeLessThan(0.03);
  const steps = new Set(Array.from({ length: 100 }, (_, block) => new DataView(bytes.buffer).getUint16(block * 34, true)));
  expect(steps.size).toBeGreaterThan(80);
});

test('gains lie about one', () => {
  const gains = new Float32Array(seededGains(3, 512).buffer);
  expect(gains.every((gain) => gain >= 0.9 && gain <= 1.1)).toBe(true);
  expect(new Set(gains).size).toBeGreaterThan(400);
});
