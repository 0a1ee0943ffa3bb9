/** Seeded matrices in Q8_0, a block at a time: every byte is a function of (seed, tensor), on every machine the same. */

/** Q8_0: a half-precision step and 32 signed bytes. */
export const BLOCK_ELEMENTS = 32;
export const BLOCK_BYTES = 34;
/** Root mean square of all 256 signed bytes: sqrt((256^2 - 1) / 12 + 1/4). */
const BYTE_RMS = 73.9;
/** Steps differ from block to block as in a trained matrix, by this part either way: rounding over other blocks changes values then. */
const STEP_SPREAD = 0.25;
/** The largest number that a linear congruence of 32 bits gives, and one more. */
const RANGE = 2 ** 32;

/** Bytes of a matrix of so many elements; its rows are whole blocks. */
export const matrixBytes = (elements: number): number => (elements / BLOCK_ELEMENTS) * BLOCK_BYTES;

/**
 * A matrix with elements of root mean square `spread`, in pieces of at most `pieceBlocks` blocks; a piece is overwritten by the next one.
 * Throws RangeError when `elements` are no whole blocks.
 */
export function* seededMatrix(seed: number, elements: number, spread: number, pieceBlocks = 65_536): Generator<Uint8Array> {
  if (elements % BLOCK_ELEMENTS !== 0) throw new RangeError(`${elements} elements are no whole blocks of ${BLOCK_ELEMENTS}`);
  const random = randomWords(seed);
  // Words fill a piece to its end, whatever its blocks are.
  const words = new Uint32Array(Math.ceil((pieceBlocks * BLOCK_BYTES) / 4));
  const view = new DataView(words.buffer);
  for (let left = elements / BLOCK_ELEMENTS; left > 0; left -= pieceBlocks) {
    const blocks = Math.min(left, pieceBlocks);
    for (let at = 0; at < words.length; at++) words[at] = random();
    for (let block = 0; block < blocks; block++) {
      const step = (spread / BYTE_RMS) * (1 + STEP_SPREAD * ((2 * random()) / RANGE - 1));
      view.setUint16(block * BLOCK_BYTES, halfBits(step), true);
    }
    yield new Uint8Array(words.buffer, 0, blocks * BLOCK_BYTES);
  }
}

/** Gains about one, as float32. */
export function seededGains(seed: number, count: number): Uint8Array {
  const random = randomWords(seed);
  return new Uint8Array(Float32Array.from({ length: count }, () => 1 + 0.2 * (random() / RANGE - 0.5)).buffer);
}

/** xorshift32 (Marsaglia 2003), its first words dropped: seeds that lie near each other begin alike. */
function randomWords(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e37_79b1) | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let dropped = 0; dropped < 16; dropped++) next();
  return next;
}

/** Half-precision bits of a positive normal number, cut and not rounded: it only has to be the same everywhere. */
function halfBits(value: number): number {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const single = bits.getUint32(0);
  const exponent = (single >>> 23) - 127 + 15;
  if (exponent < 1 || exponent > 30) throw new RangeError(`${value} is no normal number of half precision`);
  return (exponent << 10) | ((single >>> 13) & 0x3ff);
}
