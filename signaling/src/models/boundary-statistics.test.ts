import { expect, test } from 'vitest';
import { BoundaryStatistics } from './boundary-statistics.ts';

function rows(...values: number[][]): Float32Array {
  return Float32Array.from(values.flat());
}

test('a scale is the power of two at or above the root mean square, position 0 apart', () => {
  const statistics = new BoundaryStatistics(3, 4);
  statistics.add(rows([1000, 2, 0.5, 3], [4, 1, -1, 0.9], [-4, 1, 1, 0.9]));
  statistics.add(rows([1000, 2, 0.5, 3], [4.1, 1, 1, 0.9]));
  const { exponents, exponentsAtZero } = statistics.exponents();
  expect([...exponentsAtZero]).toEqual([10, 1, -1, 2]);
  expect([...exponents]).toEqual([3, 0, 0, 0]);
});

test('a channel that is always zero gets a scale 2^24 below the largest, not none', () => {
  const statistics = new BoundaryStatistics(0, 2);
  statistics.add(rows([8, 0], [8, 0]));
  expect(statistics.exponents()).toEqual({ exponents: Int8Array.of(3, -21), exponentsAtZero: Int8Array.of(3, -21) });
});

test('values that are no numbers are refused with boundary, position and value', () => {
  const statistics = new BoundaryStatistics(7, 2);
  expect(() => statistics.add(rows([1, 1], [1, Infinity]))).toThrowErrorMatchingInlineSnapshot(`[ModelsError: Boundary 7, position 1, channel 1: the value is Infinity, which is not a finite number. Answers of this model can't be verified, so it isn't served.]`);
  expect(() => statistics.add(rows([NaN, 1]))).toThrow('Boundary 7, position 0, channel 0: the value is NaN');
});

test('a row past 2^10 of its scale is refused, at position 0 only one that has no cell', () => {
  const statistics = new BoundaryStatistics(7, 2);
  statistics.add(rows([1, 1], [1, 1]));
  const found = statistics.exponents();
  statistics.check(rows([5000, 33_000_000], [1023, -1023]), found);
  expect(() => statistics.check(rows([1, 2 ** 25]), found)).toThrow('Boundary 7, position 0, channel 1: the value is 33554432, past 2^25 of its scale');
  expect(() => statistics.check(rows([1, 1], [1, 1], [1, -1025]), found)).toThrowErrorMatchingInlineSnapshot(`[ModelsError: Boundary 7, position 2, channel 1: the value is -1025, past 2^10 of its scale (1024). Answers of this model can't be verified, so it isn't served.]`);
});
