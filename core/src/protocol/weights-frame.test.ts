import { expect, it } from 'vitest';
import { FRAME_HEADER_BYTES, PROTOCOL_VERSION, WEIGHTS_CHUNK_BYTES } from './limits.ts';
import { decodeWeightsFrame, encodeWeightsFrame, WEIGHTS_REFUSALS } from './weights-frame.ts';
import type { WeightsFrame } from './weights-frame.ts';

const named = { shard: 'ab'.repeat(32), chunk: 70_000 };
const FRAMES: readonly WeightsFrame[] = [
  { kind: 'request', ...named },
  { kind: 'chunk', ...named, signature: 'cd'.repeat(64), bytes: Uint8Array.of(1) },
  { kind: 'chunk', ...named, signature: 'cd'.repeat(64), bytes: new Uint8Array(WEIGHTS_CHUNK_BYTES).fill(7) },
  ...WEIGHTS_REFUSALS.map((code) => ({ kind: 'refusal', ...named, code }) as const),
];

it.each(FRAMES.map((frame) => [frame.kind, frame] as const))('D6: a %s comes back as it was sent, and never looks like a heartbeat', (_kind, frame) => {
  const bytes = encodeWeightsFrame(frame);
  expect(decodeWeightsFrame(bytes)).toEqual(frame);
  expect(bytes.length).not.toBe(FRAME_HEADER_BYTES);
});

const request = encodeWeightsFrame({ kind: 'request', ...named });
const changed = (at: number, value: number): Uint8Array => Uint8Array.from(request, (byte, index) => (index === at ? value : byte));
const longer = (kind: number, more: number): Uint8Array => Uint8Array.from([...changed(2, kind), ...new Uint8Array(more).fill(9)]);

it.each([
  ['a short frame', request.subarray(0, 39), 'bad-frame'],
  ['another first byte', changed(0, 0xc1), 'bad-frame'],
  ['a byte that must be zero', changed(3, 1), 'bad-frame'],
  ['another version', changed(1, PROTOCOL_VERSION + 1), 'wrong-version'],
  ['an unknown kind', changed(2, 9), 'bad-frame'],
  ['a request with a tail', longer(1, 1), 'bad-frame'],
  ['a refusal without a code', changed(2, 3), 'bad-frame'],
  ['a refusal with an unknown code', longer(3, 4), 'bad-frame'],
  ['a chunk without bytes', longer(2, 64), 'bad-frame'],
  ['a chunk of too many bytes', longer(2, 64 + WEIGHTS_CHUNK_BYTES + 1), 'bad-frame'],
])('D6: %s is refused', (_what, bytes, code) => {
  expect(() => decodeWeightsFrame(bytes)).toThrow(expect.objectContaining({ code, fault: 'peer' }));
});
