import { CommitmentError } from './cells.ts';

/**
 * Compact coding of the flags of one unit (SPEC C3): a varint count, then per flag the gap to the previous element minus one
 * in Rice code and one side bit (1 = below the edge). Flags come about every 32 elements (2 tau / s), for which parameter 4 is
 * the shortest: about 7.5 bits a flag, 17 bytes a row at d = 576.
 */
const RICE_BITS = 4;
/** Bounds the unary part that a hostile hint can make a reader walk: larger gaps than any unit has (16 rows of 16,384 channels). */
const MAX_UNARY = 2 ** 14;

/** Bytes of `count` flags in `flags` (element * 2 + below), strictly increasing. */
export function encodeHints(flags: Uint32Array, count: number): Uint8Array {
  const out: number[] = [];
  for (let rest = count; ; rest >>>= 7) {
    out.push((rest & 127) | (rest > 127 ? 128 : 0));
    if (rest <= 127) break;
  }
  let byte = 0;
  let filled = 0;
  const push = (value: number, bits: number): void => {
    for (let bit = bits - 1; bit >= 0; bit--) {
      byte = (byte << 1) | ((value >>> bit) & 1);
      if (++filled === 8) {
        out.push(byte);
        byte = filled = 0;
      }
    }
  };
  let previous = -1;
  for (let i = 0; i < count; i++) {
    const flag = flags[i] as number;
    const gap = (flag >>> 1) - previous - 1;
    for (let unary = gap >>> RICE_BITS; unary > 0; unary--) push(1, 1);
    push(0, 1);
    push(gap & ((1 << RICE_BITS) - 1), RICE_BITS);
    push(flag & 1, 1);
    previous = flag >>> 1;
  }
  if (filled > 0) out.push(byte << (8 - filled));
  return Uint8Array.from(out);
}

/** Flags of an encoded unit of `elements` elements; throws `bad-hints` on anything but one exact coding. */
export function decodeHints(bytes: Uint8Array, elements: number): Uint32Array {
  let at = 0;
  let count = 0;
  for (let shift = 0; ; shift += 7) {
    const next = bytes[at++];
    // The fifth group may only hold the top 4 of 32 bits: more would shift out and give two codings of one count.
    if (next === undefined || shift > 28 || (shift === 28 && next > 15)) throw refuse('the flag count is cut off or too long', elements);
    count |= (next & 127) << shift;
    if (next < 128) {
      if (next === 0 && shift > 0) throw refuse('the flag count has a leading zero group', elements);
      break;
    }
  }
  if (count < 0 || count > elements) throw refuse(`${count} flags for ${elements} elements`, elements);
  const flags = new Uint32Array(count);
  let bit = at * 8;
  const end = bytes.length * 8;
  const pull = (): number => {
    if (bit >= end) throw refuse('the flags are cut off', elements);
    const value = ((bytes[bit >>> 3] as number) >>> (7 - (bit & 7))) & 1;
    bit++;
    return value;
  };
  let previous = -1;
  for (let i = 0; i < count; i++) {
    let gap = 0;
    while (pull() === 1) if (++gap > MAX_UNARY) throw refuse('a gap is too long', elements);
    for (let k = 0; k < RICE_BITS; k++) gap = gap * 2 + pull();
    previous += gap + 1;
    if (previous >= elements) throw refuse(`flag ${i} names element ${previous} of ${elements}`, elements);
    flags[i] = previous * 2 + pull();
  }
  while (bit < end && bit % 8 !== 0) if (pull() !== 0) throw refuse('padding is not zero', elements);
  if (bit !== end) throw refuse(`${(end - bit) / 8} bytes follow the last flag`, elements);
  return flags;
}

function refuse(what: string, elements: number): CommitmentError {
  return new CommitmentError('bad-hints', `hints of a unit of ${elements} elements: ${what}`, { fault: 'peer', fields: { elements } });
}
