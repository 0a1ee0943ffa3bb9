import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeFrame, encodeFrame, FRAME_KINDS } from './frame.ts';
import { FRAME_HEADER_BYTES, MAX_DRAFTS, MAX_FRAME_BYTES, MAX_FRAME_ROWS } from './limits.ts';
import { ProtocolError } from './parse.ts';
import type { JobId } from '../ids.ts';
import type { Frame } from './frame.ts';

const SEED = 20_261;
const frame: Frame = { kind: 'rows', job: '00112233445566778899aabbccddeeff' as JobId, planVersion: 3, position: 32, count: 2, acceptedTo: 31, stage: 5, payload: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64) };

/** Bytes of a frame with one change. */
function changed(change: (bytes: Uint8Array, view: DataView) => void, bytes = encodeFrame(frame)): Uint8Array {
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

const u32 = fc.integer({ min: 0, max: 0x7fff_ffff });
const frames: fc.Arbitrary<Frame> = fc
  .record({ kind: fc.constantFrom('rows', 'ids', 'receipt', 'heartbeat', 'acknowledgement', 'head', 'drafts'), job: fc.uint8Array({ minLength: 16, maxLength: 16 }), planVersion: u32, position: u32, count: fc.integer({ min: 1, max: MAX_FRAME_ROWS }), channels: fc.integer({ min: 1, max: 20 }), acceptedTo: u32, stage: fc.integer({ min: 0, max: 0xffff }), fill: fc.integer({ min: 0, max: 255 }), followed: fc.boolean() })
  .map(({ kind, job, count, channels, fill, followed, ...rest }): Frame => {
    const bytes = { rows: count * channels * 4, ids: count * 4, receipt: channels, heartbeat: 0, acknowledgement: channels, head: channels, drafts: 4 * Math.min(count, MAX_DRAFTS) }[kind];
    return { ...rest, kind, job: Buffer.from(job).toString('hex') as JobId, count: kind === 'rows' || kind === 'ids' ? count : kind === 'drafts' ? Math.min(count, MAX_DRAFTS) : 0, payload: new Uint8Array(bytes).fill(fill), ...(followed && (kind === 'rows' || kind === 'ids') && { more: true }) };
  });

it('F2: a frame has the layout that the specification draws', () => {
  expect(Buffer.from(encodeFrame(frame)).toString('hex')).toBe(
    ['c1', '06', '01', '00', '0500', '0000', '00112233445566778899aabbccddeeff', '03000000', '20000000', '02000000', '1f000000', '08000000', '00000000', '0000803f', '00000040'].join(''),
  );
  expect(FRAME_KINDS).toEqual({ rows: 1, ids: 2, receipt: 3, heartbeat: 4, acknowledgement: 5, head: 6, drafts: 7 });
});

it('F2: every frame is read back as it was written', () => {
  fc.assert(
    fc.property(frames, (each) => {
      expect(decodeFrame(encodeFrame(each))).toEqual(each);
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});

it('F2: the payload is a view that can be read as float32 in place', () => {
  const { payload } = decodeFrame(encodeFrame(frame));
  expect([...new Float32Array(payload.buffer, payload.byteOffset, payload.length / 4)]).toEqual([1, 2]);
});

it.each([
  ['a short header', encodeFrame(frame).subarray(0, FRAME_HEADER_BYTES - 1), 'bad-frame', '47 bytes'],
  ['another first byte', changed((bytes) => (bytes[0] = 0xc2)), 'bad-frame', 'first byte 194'],
  ['another protocol version', changed((bytes) => (bytes[1] = 1)), 'wrong-version', 'protocol 1'],
  ['kind 0', changed((bytes) => (bytes[2] = 0)), 'bad-frame', 'kind 0'],
  ['kind 8', changed((bytes) => (bytes[2] = 8)), 'bad-frame', 'kind 8'],
  ['more than more', changed((bytes) => (bytes[3] = 2)), 'bad-frame', 'more is 2'],
  ['more to come after a heartbeat', changed((bytes) => (bytes[3] = 1), encodeFrame({ ...frame, kind: 'heartbeat', count: 0, payload: new Uint8Array(0) })), 'bad-frame', 'more to come after a heartbeat'],
  ['a reserved half word', changed((bytes) => (bytes[7] = 1)), 'bad-frame', 'reserved'],
  ['a reserved word', changed((bytes) => (bytes[47] = 1)), 'bad-frame', 'reserved'],
  ['a payload length that is not that of the payload', changed((_, view) => view.setUint32(40, 7, true)), 'bad-frame', 'payload length 7'],
  ['more rows than a chunk may have', changed((_, view) => view.setUint32(32, MAX_FRAME_ROWS + 1, true)), 'bad-frame', 'count 65'],
  ['no rows', changed((_, view) => view.setUint32(32, 0, true)), 'bad-frame', 'for 0 rows'],
  ['rows of a broken float', changed((_, view) => view.setUint32(32, 3, true)), 'bad-frame', '8 bytes for 3 rows'],
  ['rows of no channels', encodeFrame({ ...frame, payload: new Uint8Array(0) }), 'bad-frame', '0 bytes for 2 rows'],
  ['ids of more than four bytes', encodeFrame({ ...frame, kind: 'ids', count: 1 }), 'bad-frame', '8 bytes for 1 ids'],
  ['drafts of more than four bytes', encodeFrame({ ...frame, kind: 'drafts', count: 1 }), 'bad-frame', '8 bytes for 1 drafts'],
  ['drafts that were cut off', encodeFrame({ ...frame, kind: 'drafts', count: 3 }), 'bad-frame', '8 bytes for 3 drafts'],
  ['no drafts', encodeFrame({ ...frame, kind: 'drafts', count: 0 }), 'bad-frame', 'for 0 drafts'],
  ['more drafts than a lap may have', encodeFrame({ ...frame, kind: 'drafts', count: MAX_DRAFTS + 1, payload: new Uint8Array(4 * MAX_DRAFTS + 4) }), 'bad-frame', `at most ${MAX_DRAFTS} drafts`],
  ['a receipt with a count', changed((bytes) => (bytes[2] = 3)), 'bad-frame', 'count 2 in a receipt'],
  ['an acknowledgement with a count', changed((bytes) => (bytes[2] = 5)), 'bad-frame', 'count 2 in a acknowledgement'],
  ['a ledger head with a count', changed((bytes) => (bytes[2] = 6)), 'bad-frame', 'count 2 in a head'],
  ['a heartbeat with a payload', encodeFrame({ ...frame, kind: 'heartbeat', count: 0 }), 'bad-frame', '8 bytes in a heartbeat'],
  ['positions past 32 bits', changed((_, view) => view.setUint32(28, 0xffff_ffff, true)), 'bad-frame', 'overflow'],
  ['more bytes than any frame', new Uint8Array(MAX_FRAME_BYTES + 1), 'too-large', `at most ${MAX_FRAME_BYTES}`],
])('F2: %s is refused by name', (_, bytes, code, words) => {
  expect(() => decodeFrame(bytes)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }));
});

it(`F2: 20,000 damaged frames are refused by name or read back to the same bytes (seed ${SEED})`, () => {
  const damage = fc.array(fc.tuple(fc.nat(FRAME_HEADER_BYTES + 8), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  let read = 0;
  let refused = 0;
  fc.assert(
    fc.property(frames, damage, fc.nat(60), (each, spots, cut) => {
      const whole = encodeFrame(each);
      for (const [at, value] of spots) if (at < whole.length) whole[at] = value;
      const bytes = cut < whole.length && cut % 3 === 0 ? whole.subarray(0, whole.length - cut) : whole;
      try {
        expect(encodeFrame(decodeFrame(bytes))).toEqual(Uint8Array.from(bytes));
        read++;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        refused++;
      }
    }),
    { seed: SEED, numRuns: 20_000 },
  );
  expect(Math.min(read, refused)).toBeGreaterThan(1_000);
});
