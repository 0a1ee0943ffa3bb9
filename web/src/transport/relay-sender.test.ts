import { RELAY_PIECE_BYTES, RELAY_TAKEN_BYTES, RELAY_WINDOW_BYTES } from '@ciro/core/protocol/limits.ts';
import { describe, expect, it } from 'vitest';
import { RelayReceiver } from './relay-receiver.ts';
import { RelaySender } from './relay-sender.ts';
import { MAX_SEND_QUEUE_BYTES } from './transport-limits.ts';

function setup() {
  const sent: { readonly bytes: Uint8Array; readonly last: boolean }[] = [];
  return { sent, sender: new RelaySender((bytes, last) => sent.push({ bytes, last })) };
}
const frameOf = (length: number, seed = 1) => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + seed) & 255);
const bytesOf = (pieces: readonly { readonly bytes: Uint8Array }[]) => pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);

describe('RelaySender', () => {
  it('L3: cuts frames into pieces, the last of each marked, and a receiver puts the same frames together', () => {
    const { sent, sender } = setup();
    const receiver = new RelayReceiver();
    const frames = [2_352, 40_000, 1, RELAY_PIECE_BYTES, RELAY_PIECE_BYTES + 1, 200_000].map(frameOf);
    const received: Uint8Array[] = [];
    for (const frame of frames) sender.send(frame, 0);
    for (let next = sent.shift(); next !== undefined; next = sent.shift()) {
      expect(next.bytes.length).toBeLessThanOrEqual(RELAY_PIECE_BYTES);
      const { frame, tell } = receiver.accept(next.bytes, next.last, 0);
      if (frame !== undefined) received.push(frame);
      if (tell > 0) sender.taken(tell, 0);
    }
    expect(received.map((frame) => frame.length)).toEqual(frames.map((frame) => frame.length));
    expect(received.every((frame, index) => frame.every((byte, at) => byte === frames[index]?.[at]))).toBe(true);
    expect(sender.waitingBytes).toBe(0);
  });

  it('L3: has no more on the way than the window, and goes on by what is taken', () => {
    const { sent, sender } = setup();
    sender.send(frameOf(1_000_000), 0);
    expect(bytesOf(sent)).toBe(RELAY_WINDOW_BYTES);
    sender.taken(RELAY_PIECE_BYTES - 1, 1);
    expect(bytesOf(sent)).toBe(RELAY_WINDOW_BYTES);
    sender.taken(1, 2);
    expect(bytesOf(sent)).toBe(RELAY_WINDOW_BYTES + RELAY_PIECE_BYTES);
    expect(sender.waitingBytes).toBe(1_000_000 - RELAY_WINDOW_BYTES - RELAY_PIECE_BYTES);
  });

  it('L3: takes nobody at its word that took more than was sent', () => {
    const { sender } = setup();
    sender.send(frameOf(10), 0);
    expect(() => sender.taken(11, 0)).toThrow(expect.objectContaining({ code: 'bad-relay', fault: 'peer' }));
  });

  it('refuses to queue without end for a neighbour that takes nothing', () => {
    const { sender } = setup();
    const send = () => {
      for (let bytes = 0; bytes <= MAX_SEND_QUEUE_BYTES + RELAY_WINDOW_BYTES; bytes += 4_000_000) sender.send(new Uint8Array(4_000_000), 0);
    };
    expect(send).toThrow(expect.objectContaining({ code: 'queue-full' }));
    expect(sender.waitingBytes).toBeLessThanOrEqual(MAX_SEND_QUEUE_BYTES);
  });

  it('measures the round trip by the piece that was answered', () => {
    const { sender } = setup();
    sender.send(frameOf(100), 1_000);
    sender.send(frameOf(50), 1_010);
    sender.taken(150, 1_040);
    expect(sender.rttMs).toBe(30);
  });
});

describe('RelayReceiver', () => {
  it('tells at once what it took after a while of nothing, and every RELAY_TAKEN_BYTES', () => {
    const receiver = new RelayReceiver();
    const tell = (length: number, now: number) => receiver.accept(new Uint8Array(length), true, now).tell;
    expect([tell(10, 0), tell(10, 1), tell(RELAY_TAKEN_BYTES - 11, 2), tell(1, 3), tell(5, 10), tell(5, 600)]).toEqual([10, 0, 0, RELAY_TAKEN_BYTES, 0, 10]);
  });

  it('puts together no frame that is longer than any', () => {
    const receiver = new RelayReceiver();
    const flood = () => {
      for (let count = 0; count < 300; count++) receiver.accept(new Uint8Array(RELAY_PIECE_BYTES), false, 0);
    };
    expect(flood).toThrow(expect.objectContaining({ code: 'bad-relay' }));
  });
});
