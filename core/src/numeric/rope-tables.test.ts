import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { ropeTables } from './rope-tables.ts';

const Vectors = v.object({
  base: v.number(),
  head_dim: v.number(),
  cases: v.array(v.object({ position: v.number(), cos_hex: v.array(v.string()), sin_hex: v.array(v.string()) })),
});
const vectors = v.parse(Vectors, JSON.parse(readFileSync(new URL('../../vectors/rope.json', import.meta.url), 'utf8')));
const shape = { headDim: vectors.head_dim, ropeBase: vectors.base };

function hexRow(row: Float32Array): string[] {
  return Array.from(row, (value) => {
    const bits = Buffer.alloc(4);
    bits.writeFloatBE(value);
    return bits.toString('hex');
  });
}

test('S2: RoPE rows are the golden bits at every sampled position', () => {
  // Positions beyond this would make the table of a unit test hundreds of megabytes; the functions' own vectors cover them.
  const sampled = vectors.cases.filter((item) => item.position < 20_000);
  expect(sampled.length).toBeGreaterThan(10);
  const tables = ropeTables(shape, sampled.map((item) => item.position));
  sampled.forEach((item, row) => {
    const from = row * shape.headDim;
    const half = shape.headDim / 2;
    expect(hexRow(tables.cos.subarray(from, from + half)), `cos at ${item.position}`).toEqual(item.cos_hex);
    expect(hexRow(tables.sin.subarray(from, from + half)), `sin at ${item.position}`).toEqual(item.sin_hex);
    expect(hexRow(tables.cos.subarray(from + half, from + 2 * half))).toEqual(item.cos_hex);
  });
});

test('rows come in the order of the positions asked for', () => {
  const both = ropeTables(shape, [5, 2]);
  expect([...both.sin.subarray(0, 64)]).toEqual([...ropeTables(shape, [5]).sin]);
  expect([...both.sin.subarray(64)]).toEqual([...ropeTables(shape, [2]).sin]);
});

test('an odd head width is refused', () => {
  expect(() => ropeTables({ headDim: 7, ropeBase: 10_000 }, [0])).toThrowError(/even/);
});
