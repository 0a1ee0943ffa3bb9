import { halfToNumber } from './half.ts';

/*
 * Blocks of 32 with one half-precision scale d (and for the _1 formats a minimum m), after ggml's dequantize_row_q*.
 *
 * No Math.fround is needed for equal bits: d has 11 significant bits and q at most 8, so d * q is exact in float32;
 * d * q and m are multiples of 2^-24 below 2^22, so their sum is exact in float64 and rounded once, by the store,
 * just as float32 arithmetic rounds it once. `?? 0` is for the type checker; lengths are checked by the caller.
 */

/** Half a block: the low nibbles are its first 16 elements, the high nibbles its last 16. */
const HALF = 16;
const BLOCK = 32;

function scaleAt(bytes: Uint8Array, at: number): number {
  return halfToNumber((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

/** d * (q - 8), q of 4 bits. */
export function expandQ4_0(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += BLOCK, at += 18) {
    const d = scaleAt(bytes, at);
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 2 + i] ?? 0;
      out[first + i] = d * ((pair & 15) - 8);
      out[first + HALF + i] = d * ((pair >> 4) - 8);
    }
  }
}

/** d * q + m, q of 4 bits. */
export function expandQ4_1(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += BLOCK, at += 20) {
    const d = scaleAt(bytes, at);
    const m = scaleAt(bytes, at + 2);
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 4 + i] ?? 0;
      out[first + i] = d * (pair & 15) + m;
      out[first + HALF + i] = d * (pair >> 4) + m;
    }
  }
}

/** d * (q - 16), q of 5 bits; the fifth bits are a word in front of the nibbles. */
export function expandQ5_0(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += BLOCK, at += 22) {
    const d = scaleAt(bytes, at);
    const high = wordAt(bytes, at + 2);
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 6 + i] ?? 0;
      out[first + i] = d * (((pair & 15) | (((high >>> i) & 1) << 4)) - 16);
      out[first + HALF + i] = d * (((pair >> 4) | (((high >>> (HALF + i)) & 1) << 4)) - 16);
    }
  }
}

/** d * q + m, q of 5 bits. */
export function expandQ5_1(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += BLOCK, at += 24) {
    const d = scaleAt(bytes, at);
    const m = scaleAt(bytes, at + 2);
    const high = wordAt(bytes, at + 4);
    for (let i = 0; i < HALF; i++) {
      const pair = bytes[at + 8 + i] ?? 0;
      out[first + i] = d * ((pair & 15) | (((high >>> i) & 1) << 4)) + m;
      out[first + HALF + i] = d * ((pair >> 4) | (((high >>> (HALF + i)) & 1) << 4)) + m;
    }
  }
}

/** d * q, q a signed byte. */
export function expandQ8_0(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += BLOCK, at += 34) {
    const d = scaleAt(bytes, at);
    for (let i = 0; i < BLOCK; i++) out[first + i] = d * (((bytes[at + 2 + i] ?? 0) << 24) >> 24);
  }
}
