import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundaryGrid, cellsOfRow } from './cells.ts';
import { decodeHints, encodeHints } from './hints.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`hints: seed ${seed}`);

const ELEMENTS = 16 * 576;
/** Issue bar for the default model's width: hints of a row of Gaussian values. */
const MAX_HINT_BYTES_PER_ROW = 32;

/** Strictly increasing flags from gaps and sides. */
function flagsOf(parts: readonly (readonly [number, boolean])[]): Uint32Array {
  let at = -1;
  return Uint32Array.from(parts.map(([gap, below]) => ((at += gap + 1), at * 2 + (below ? 1 : 0))));
}

test('C3: what was coded is decoded, for any flags of a unit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.oneof(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 5_000 })), fc.boolean()), { maxLength: 400 }), (parts) => {
      const flags = flagsOf(parts);
      const elements = (flags.at(-1) ?? 0) / 2 + 1;
      expect(decodeHints(encodeHints(flags, flags.length), Math.ceil(elements))).toEqual(flags);
    }),
    { seed, numRuns: 500 },
  );
});

test('C3: golden coding: three flags at elements 0, 1 (below) and 20', () => {
  // Count 3; then gap 0 = 0 0000, side 0; gap 0 = 0 0000, side 1; gap 18 = 10 0010, side 0; padded with zeros.
  expect([...encodeHints(Uint32Array.of(0, 3, 40), 3)]).toEqual([3, 0b00000000, 0b00011000, 0b10000000]);
});

test('C3: no flags are one byte', () => {
  expect([...encodeHints(new Uint32Array(4), 0)]).toEqual([0]);
  expect(decodeHints(Uint8Array.of(0), 16)).toEqual(new Uint32Array(0));
});

test('C3: the largest gap of the widest unit (16 rows of 16,384 channels) can be coded and read', () => {
  const last = (16 * 16_384 - 1) * 2 + 1;
  expect([...decodeHints(encodeHints(Uint32Array.of(last), 1), 16 * 16_384)]).toEqual([last]);
});

test.each([
  ['nothing at all', []],
  ['a count that is cut off', [0x80]],
  ['a count with a leading zero group', [0x81, 0x00]],
  ['a count of more than five groups', [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
  ['a count whose top group is shifted out', [0x80, 0x80, 0x80, 0x80, 0x10]],
  ['a negative count', [0x80, 0x80, 0x80, 0x80, 0x08]],
  ['more flags than elements', [17]],
  ['flags that are cut off', [2, 0b00000000]],
  ['a unary part without an end', [1, 0xff, 0xff]],
  ['an element past the unit', [1, 0b11000000, 0b00000000]],
  ['padding that is not zero', [1, 0b00000001]],
  ['a byte after the last flag', [1, 0, 0]],
])('C3: hostile hints, %s, are refused', (_what, bytes) => {
  expect(() => decodeHints(Uint8Array.from(bytes), 16)).toThrow(expect.objectContaining({ code: 'bad-hints', fault: 'peer' }));
});

test('C3: any bytes are refused or are the one coding of what they decode to', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      let flags: Uint32Array;
      try {
        flags = decodeHints(bytes, ELEMENTS);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-hints' });
        return;
      }
      accepted++;
      expect(encodeHints(flags, flags.length)).toEqual(bytes);
      expect([...flags].every((flag, index) => index === 0 || flag >>> 1 > (flags[index - 1] ?? 0) >>> 1)).toBe(true);
    }),
    { seed, numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(0);
});

test('C3: a million ones end at the gap limit, long before their end', () => {
  const started = performance.now();
  expect(() => decodeHints(new Uint8Array(1_000_000).fill(0xff).fill(1, 0, 1), ELEMENTS)).toThrow('a gap is too long');
  expect(performance.now() - started).toBeLessThan(200);
});

test('C3: rows of Gaussian values at d = 576 take at most 32 bytes of hints a row', () => {
  const channels = 576;
  const grid = boundaryGrid({ version: 1, hidden: channels, exponents: new Int8Array(channels), exponentsAtZero: new Int8Array(channels), tauExponent: -12, tauExponentAtZero: -12, deltaExponent: -6 }, 0);
  const random = gaussian(seed);
  const flags = new Uint32Array(ELEMENTS);
  let bytes = 0;
  const units = 12;
  for (let unit = 0; unit < units; unit++) {
    let count = 0;
    for (let row = 0; row < 16; row++) count = cellsOfRow(Float32Array.from({ length: channels }, random), 1, grid, new Int32Array(channels), flags, count, row * channels);
    bytes += encodeHints(flags, count).length;
  }
  expect(bytes / (units * 16)).toBeLessThanOrEqual(MAX_HINT_BYTES_PER_ROW);
  expect(bytes / (units * 16)).toBeGreaterThan(8);
});

/** Normal values of variance 1 from a seeded source (mulberry32, Box and Muller). */
function gaussian(state: number): () => number {
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
