import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_FRAME_BYTES, MAX_OPEN_FRAMES, SLICE_BYTES, SLICE_HEADER_BYTES } from './limits.ts';
import { ProtocolError } from './parse.ts';
import { SliceAssembler, slicesOf } from './slices.ts';

const SEED = 20_262;
const bodyBytes = SLICE_BYTES - SLICE_HEADER_BYTES;
const bytesOf = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, index) => index * 7);

function slice(id: number, index: number, total: number, length: number, body: number): Uint8Array {
  const bytes = new Uint8Array(SLICE_HEADER_BYTES + body);
  new Uint32Array(bytes.buffer, 0, 4).set([id, index, total, length]);
  return bytes;
}

it('F1: a slice has a header of four little-endian words and at most 4,600 bytes, all full but the last', () => {
  const slices = [...slicesOf(bytesOf(2 * bodyBytes + 5), 9)];
  expect(slices.map((each) => each.length)).toEqual([4_600, 4_600, SLICE_HEADER_BYTES + 5]);
  expect(Buffer.from(slices[1] as Uint8Array).subarray(0, 16).toString('hex')).toBe(['09000000', '01000000', '03000000', 'd5230000'].join(''));
});

it('F1: a frame of exactly full slices has no empty one behind it', () => {
  expect([...slicesOf(bytesOf(2 * bodyBytes), 1)]).toHaveLength(2);
});

it('F1: up to four frames are put together from slices in any order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 * bodyBytes }), { minLength: 1, maxLength: MAX_OPEN_FRAMES }), fc.integer(), (lengths, salt) => {
      const all = lengths.flatMap((length, id) => [...slicesOf(bytesOf(length), id)]);
      // A fixed shuffle of each case's own: the order of a hash.
      const order = all.map((each, index) => ({ each, key: Math.imul(index + 1, salt | 1) })).sort((a, b) => a.key - b.key);
      const assembler = new SliceAssembler();
      const done = order.flatMap(({ each }) => assembler.accept(each) ?? []);
      expect(done.map((frame) => frame.length).sort()).toEqual([...lengths].sort());
      for (const frame of done) expect(Buffer.compare(frame, bytesOf(frame.length))).toBe(0);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

it.each([
  ['no header', new Uint8Array(SLICE_HEADER_BYTES - 1), 'bad-frame'],
  ['too many bytes', slice(1, 0, 2, 2 * bodyBytes, bodyBytes + 1), 'bad-frame'],
  ['a count that is not that of the length', slice(1, 0, 3, 2 * bodyBytes, bodyBytes), 'bad-frame'],
  ['no slices at all', slice(1, 0, 0, 0, 0), 'bad-frame'],
  ['an index past the count', slice(1, 2, 2, 2 * bodyBytes, bodyBytes), 'bad-frame'],
  ['a first slice that is not full', slice(1, 0, 2, 2 * bodyBytes, bodyBytes - 1), 'bad-frame'],
  ['a last slice that is too long', slice(1, 1, 2, bodyBytes + 1, 2), 'bad-frame'],
  ['a frame larger than any', slice(1, 0, Math.ceil((MAX_FRAME_BYTES + 1) / bodyBytes), MAX_FRAME_BYTES + 1, bodyBytes), 'too-large'],
])('F1: a slice with %s is refused', (_, bytes, code) => {
  expect(() => new SliceAssembler().accept(bytes)).toThrow(expect.objectContaining({ code }));
});

it('F1: a repeat and a slice of another length are refused, and the frame is finished all the same', () => {
  const assembler = new SliceAssembler();
  const [first, second] = [...slicesOf(bytesOf(2 * bodyBytes), 1)] as [Uint8Array, Uint8Array];
  assembler.accept(first);
  expect(() => assembler.accept(first)).toThrow(expect.objectContaining({ code: 'bad-frame' }));
  expect(() => assembler.accept(slice(1, 1, 2, bodyBytes + 4, 4))).toThrow(expect.objectContaining({ code: 'bad-frame' }));
  expect(assembler.accept(second)).toEqual(bytesOf(2 * bodyBytes));
});

it('F1: a fifth unfinished frame is refused; finishing one makes room', () => {
  const assembler = new SliceAssembler();
  for (let id = 0; id < MAX_OPEN_FRAMES; id++) assembler.accept(slice(id, 0, 2, 2 * bodyBytes, bodyBytes));
  expect(() => assembler.accept(slice(9, 0, 2, 2 * bodyBytes, bodyBytes))).toThrow(expect.objectContaining({ code: 'too-many-open-frames' }));
  expect(assembler.accept(slice(0, 1, 2, 2 * bodyBytes, bodyBytes))).toBeDefined();
  expect(assembler.accept(slice(9, 0, 2, 2 * bodyBytes, bodyBytes))).toBeUndefined();
});

it(`F1: 20,000 hostile slices among honest ones are refused by name or taken, and nothing larger than a frame comes out (seed ${SEED})`, () => {
  const word = fc.oneof(fc.nat(5), fc.constantFrom(bodyBytes, bodyBytes + 1, 2 * bodyBytes, MAX_FRAME_BYTES, 0xffff_ffff), fc.nat(0xffff_ffff));
  const hostile = fc.tuple(word, word, word, word, fc.oneof(fc.nat(20), fc.constantFrom(bodyBytes, bodyBytes + 1))).map((parts) => slice(...parts));
  const honest = fc.tuple(fc.nat(5), fc.nat(2), fc.integer({ min: 1, max: 3 * bodyBytes })).map(([id, index, length]) => {
    const slices = [...slicesOf(bytesOf(length), id)];
    return slices[index % slices.length] as Uint8Array;
  });
  let taken = 0;
  let refused = 0;
  let finished = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(hostile, honest), { minLength: 10, maxLength: 10 }), (slices) => {
      const assembler = new SliceAssembler();
      for (const each of slices) {
        try {
          const frame = assembler.accept(each);
          taken++;
          if (frame === undefined) continue;
          finished++;
          expect(frame.length).toBeLessThanOrEqual(MAX_FRAME_BYTES);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          refused++;
        }
      }
    }),
    { seed: SEED, numRuns: 2_000 },
  );
  expect(Math.min(taken, refused, finished)).toBeGreaterThan(500);
});
