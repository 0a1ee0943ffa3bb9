import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalBytes, fromBase64, fromHex, toBase64, toHex } from './bytes.ts';

const seed = 20_261_121;

test(`base64 and hex give back any bytes (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromHex(toHex(bytes))).toEqual(bytes);
    }),
    { seed },
  );
});

test('base64 names the character that does not belong', () => {
  expect(() => fromBase64('AA*A')).toThrow('"*" at 2');
  expect(() => fromBase64('AAA')).toThrow('multiple of 4');
});

test('equal bytes need equal length and content', () => {
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
});
