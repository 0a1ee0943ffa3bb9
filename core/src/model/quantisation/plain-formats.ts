import { halfToFloat32Bits } from './half.ts';

/*
 * F32, F16 and BF16 are copied as bits, so that a NaN keeps its payload and no rounding can happen.
 * Typed arrays use the host's byte order; every platform with WebAssembly is little-endian, as the files are.
 */

function bitsOf(out: Float32Array): Uint32Array {
  return new Uint32Array(out.buffer, out.byteOffset, out.length);
}

export function expandF32(bytes: Uint8Array, out: Float32Array): void {
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
}

export function expandF16(bytes: Uint8Array, out: Float32Array): void {
  const bits = bitsOf(out);
  for (let index = 0, at = 0; index < bits.length; index++, at += 2) {
    bits[index] = halfToFloat32Bits(word(bytes, at));
  }
}

export function expandBF16(bytes: Uint8Array, out: Float32Array): void {
  const bits = bitsOf(out);
  for (let index = 0, at = 0; index < bits.length; index++, at += 2) {
    bits[index] = word(bytes, at) << 16;
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}
