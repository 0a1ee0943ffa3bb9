import { expect, test } from 'vitest';
import { deltaOf } from '../audit/sampled-id.ts';
import { decodeCalibration, encodeCalibration } from './calibration-codec.ts';
import { ModelError } from './model-error.ts';
import type { CalibrationTable } from './manifest.ts';

const table: CalibrationTable = {
  version: 3,
  hidden: 5,
  exponents: Int8Array.from({ length: 20 }, (_, index) => index - 10),
  exponentsAtZero: Int8Array.from({ length: 20 }, (_, index) => 10 - index),
  tauExponent: -12,
  tauExponentAtZero: -11,
  deltaExponent: -7,
};

test('a table survives the round trip at any byte offset', () => {
  const bytes = encodeCalibration(table);
  expect(bytes.length).toBe(16 + 40);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  expect(decodeCalibration(shifted.subarray(1))).toEqual(table);
});

test('the default model needs 36,880 bytes', () => {
  const empty = new Int8Array(32 * 576);
  expect(encodeCalibration({ ...table, hidden: 576, exponents: empty, exponentsAtZero: empty }).length).toBe(36_880);
});

test.each<[string, (bytes: Uint8Array) => Uint8Array, string]>([
  ['no bytes', () => new Uint8Array(0), 'length'],
  ['another magic', (bytes) => bytes.fill(0, 0, 4), 'magic'],
  ['version 0', (bytes) => bytes.fill(0, 4, 6), 'version'],
  ['two boundaries', (bytes) => bytes.fill(2, 6, 7), 'boundaries'],
  ['65,535 boundaries', (bytes) => bytes.fill(255, 6, 8), 'boundaries'],
  ['4 billion channels', (bytes) => bytes.fill(255, 8, 12), 'hidden'],
  ['a positive tau exponent', (bytes) => bytes.fill(1, 12, 13), 'tauExponent'],
  ['a delta of 512 logits', (bytes) => bytes.fill(9, 14, 15), 'deltaExponent'],
  ['a set reserved byte', (bytes) => bytes.fill(1, 15, 16), 'reserved'],
  ['a byte too few', (bytes) => bytes.subarray(0, 55), 'length'],
  ['a byte too many', (bytes) => Uint8Array.of(...bytes, 0), 'length'],
])('%s is refused by field', (_, damage, field) => {
  let refused: unknown;
  try {
    decodeCalibration(damage(encodeCalibration(table)));
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(ModelError);
  expect(refused).toMatchObject({ code: 'bad-calibration', fields: { field } });
});

test('a table whose arrays do not fit its sizes is not encoded', () => {
  expect(() => encodeCalibration({ ...table, exponentsAtZero: new Int8Array(19) })).toThrowErrorMatchingInlineSnapshot(`[ModelError: Calibration table: exponentsAtZero.length is 19, expected 20. Import the model again.]`);
  expect(() => encodeCalibration({ ...table, hidden: 6 })).toThrow(ModelError);
  expect(() => encodeCalibration({ ...table, tauExponent: 0 })).toThrow(ModelError);
  for (const deltaExponent of [-25, 9, 0.5, Number.NaN]) expect(() => encodeCalibration({ ...table, deltaExponent })).toThrow(ModelError);
});

test('A7: delta is a power of two of logits, one signed byte after the tau exponents', () => {
  for (const deltaExponent of [-24, -7, 0, 8]) {
    const bytes = encodeCalibration({ ...table, deltaExponent });
    expect([bytes[14], bytes[15]]).toEqual([deltaExponent & 255, 0]);
    expect(deltaOf(decodeCalibration(bytes))).toBe(2 ** deltaExponent);
  }
});
