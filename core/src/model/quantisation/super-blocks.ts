import { halfToNumber } from './half.ts';

/*
 * Super-blocks of 256 with 6- or 8-bit sub-scales under one half-precision scale, after ggml's dequantize_row_q*_K.
 * d * scale * q has at most 24 significant bits, so it is exact in float32; the one subtraction of Q4_K and Q5_K is
 * exact in float64 and rounded once by the store. So these loops give the reference's bits without Math.fround.
 */
const SUPER_BLOCK = 256;
/** Q4_K and Q5_K: eight sub-blocks of 32, in pairs that share bytes (low and high nibbles). */
const SUB_BLOCK = 32;

function scaleAt(bytes: Uint8Array, at: number): number {
  return halfToNumber((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
}

/** 6-bit scale of sub-block j from the 12 packed bytes at `at` (ggml: get_scale_min_k4). */
function subScale(bytes: Uint8Array, at: number, j: number): number {
  if (j < 4) return (bytes[at + j] ?? 0) & 63;
  return ((bytes[at + j + 4] ?? 0) & 15) | (((bytes[at + j - 4] ?? 0) >> 6) << 4);
}

/** 6-bit minimum of sub-block j from the 12 packed bytes at `at`. */
function subMinimum(bytes: Uint8Array, at: number, j: number): number {
  if (j < 4) return (bytes[at + j + 4] ?? 0) & 63;
  return ((bytes[at + j + 4] ?? 0) >> 4) | (((bytes[at + j] ?? 0) >> 6) << 4);
}

/** d * scale * q - dmin * minimum, q of 4 bits. */
export function expandQ4_K(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += SUPER_BLOCK, at += 144) {
    const d = scaleAt(bytes, at);
    const dmin = scaleAt(bytes, at + 2);
    for (let pair = 0; pair < 4; pair++) {
      const lowScale = d * subScale(bytes, at + 4, 2 * pair);
      const lowMinimum = dmin * subMinimum(bytes, at + 4, 2 * pair);
      const highScale = d * subScale(bytes, at + 4, 2 * pair + 1);
      const highMinimum = dmin * subMinimum(bytes, at + 4, 2 * pair + 1);
      const nibbles = at + 16 + SUB_BLOCK * pair;
      const to = first + 2 * SUB_BLOCK * pair;
      for (let i = 0; i < SUB_BLOCK; i++) {
        const q = bytes[nibbles + i] ?? 0;
        out[to + i] = lowScale * (q & 15) - lowMinimum;
        out[to + SUB_BLOCK + i] = highScale * (q >> 4) - highMinimum;
      }
    }
  }
}

/** d * scale * q - dmin * minimum, q of 5 bits; bit 2p and 2p+1 of byte i of `high` belong to pair p. */
export function expandQ5_K(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += SUPER_BLOCK, at += 176) {
    const d = scaleAt(bytes, at);
    const dmin = scaleAt(bytes, at + 2);
    for (let pair = 0; pair < 4; pair++) {
      const lowScale = d * subScale(bytes, at + 4, 2 * pair);
      const lowMinimum = dmin * subMinimum(bytes, at + 4, 2 * pair);
      const highScale = d * subScale(bytes, at + 4, 2 * pair + 1);
      const highMinimum = dmin * subMinimum(bytes, at + 4, 2 * pair + 1);
      const high = at + 16;
      const nibbles = at + 48 + SUB_BLOCK * pair;
      const to = first + 2 * SUB_BLOCK * pair;
      for (let i = 0; i < SUB_BLOCK; i++) {
        const q = bytes[nibbles + i] ?? 0;
        const fifth = (bytes[high + i] ?? 0) >> (2 * pair);
        out[to + i] = lowScale * ((q & 15) | ((fifth & 1) << 4)) - lowMinimum;
        out[to + SUB_BLOCK + i] = highScale * ((q >> 4) | ((fifth & 2) << 3)) - highMinimum;
      }
    }
  }
}

/** d * scale * (q - 32), q of 6 bits, signed 8-bit scales for 16 elements each; two halves of 128 elements. */
export function expandQ6_K(bytes: Uint8Array, out: Float32Array): void {
  for (let first = 0, at = 0; first < out.length; first += SUPER_BLOCK, at += 210) {
    const d = scaleAt(bytes, at + 208);
    for (let half = 0; half < 2; half++) {
      const low = at + 64 * half;
      const high = at + 128 + 32 * half;
      const scales = at + 192 + 8 * half;
      const to = first + 128 * half;
      for (let run = 0; run < 2; run++) {
        const scale0 = d * signed(bytes[scales + run] ?? 0);
        const scale1 = d * signed(bytes[scales + run + 2] ?? 0);
        const scale2 = d * signed(bytes[scales + run + 4] ?? 0);
        const scale3 = d * signed(bytes[scales + run + 6] ?? 0);
        for (let i = 16 * run; i < 16 * run + 16; i++) {
          const near = bytes[low + i] ?? 0;
          const far = bytes[low + 32 + i] ?? 0;
          const top = bytes[high + i] ?? 0;
          out[to + i] = scale0 * (((near & 15) | ((top & 3) << 4)) - 32);
          out[to + 32 + i] = scale1 * (((far & 15) | ((top & 12) << 2)) - 32);
          out[to + 64 + i] = scale2 * (((near >> 4) | (top & 48)) - 32);
          out[to + 96 + i] = scale3 * (((far >> 4) | ((top & 192) >> 2)) - 32);
        }
      }
    }
  }
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
