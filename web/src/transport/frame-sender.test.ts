import { LINK_HIGH_WATER_BYTES, MAX_FRAME_BYTES, SLICE_BYTES } from '@ciro/core/protocol/limits.ts';
import { SliceAssembler } from '@ciro/core/protocol/slices.ts';
import { describe, expect, it } from 'vitest';
import { FrameSender } from './frame-sender.ts';
import { MAX_SEND_QUEUE_BYTES } from './transport-limits.ts';

/** A channel whose buffer only empties when the test says so. */
function setup() {
  const sent: Uint8Array[] = [];
  const channel = {
    bufferedBytes: 0,
    highest: 0,
    send(slice: Uint8Array<ArrayBuffer>) {
      sent.push(slice);
      channel.bufferedBytes += slice.length;
      channel.highest = Math.max(channel.highest, channel.bufferedBytes);
    },
  };
  const sender = new FrameSender(channel);
  const drain = () => {
    channel.bufferedBytes = 0;
    sender.drained();
  };
  return { sender, channel, sent, drain };
}

/** Bytes that differ from place to place, so that a slice out of order would be seen. */
const frameOf = (length: number, seed: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + seed) & 255);

describe('FrameSender', () => {
  it('sends a small frame as one slice at once', () => {
    const { sender, sent } = setup();
    sender.send(frameOf(2_352, 1));
    expect(sent).toHaveLength(1);
    expect(sender.waitingBytes).toBe(0);
  });

  it('stops above the high watermark and goes on only when the channel has drained', () => {
    const { sender, channel, sent, drain } = setup();
    sender.send(frameOf(1_000_000, 1));
    const first = sent.length;
    expect(channel.highest).toBeGreaterThan(LINK_HIGH_WATER_BYTES);
    expect(channel.highest).toBeLessThanOrEqual(LINK_HIGH_WATER_BYTES + SLICE_BYTES);
    sender.send(frameOf(10, 2));
    expect(sent).toHaveLength(first);
    expect(sender.waitingBytes).toBe(10);
    drain();
    expect(sent.length).toBeGreaterThan(first);
    expect(channel.highest).toBeLessThanOrEqual(LINK_HIGH_WATER_BYTES + SLICE_BYTES);
  });

  it('keeps the order of frames, so that the other side puts the same frames together (SPEC F1)', () => {
    const { sender, sent, drain } = setup();
    const frames = [400_000, 48, 5_000, 900_000, 4_584, 4_585].map(frameOf);
    for (const frame of frames) sender.send(frame);
    for (let round = 0; round < 20; round++) drain();
    const assembler = new SliceAssembler();
    const received = sent.map((slice) => assembler.accept(slice)).filter((frame) => frame !== undefined);
    expect(received.map((frame) => frame.length)).toEqual(frames.map((frame) => frame.length));
    expect(received.every((frame, index) => frame.every((byte, at) => byte === frames[index]?.[at]))).toBe(true);
  });

  it('refuses to queue without end for a neighbour that takes nothing', () => {
    const { sender } = setup();
    const frame = frameOf(MAX_FRAME_BYTES, 1);
    const send = () => {
      for (let count = 0; count <= MAX_SEND_QUEUE_BYTES / MAX_FRAME_BYTES + 1; count++) sender.send(frame);
    };
    expect(send).toThrow(expect.objectContaining({ code: 'queue-full' }));
    expect(sender.waitingBytes).toBeLessThanOrEqual(MAX_SEND_QUEUE_BYTES);
  });

  it('refuses a frame that no peer would accept', () => {
    const { sender } = setup();
    expect(() => sender.send(new Uint8Array(MAX_FRAME_BYTES + 1))).toThrow(expect.objectContaining({ code: 'frame-too-large', fault: 'bug' }));
  });
});
