import { describe, expect, it } from 'vitest';
import { RELAY_PIECE_BYTES, RELAY_WINDOW_BYTES } from '@ciro/core/protocol/limits.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { FrameRelay, MAX_RELAYED_LINKS, RELAY_LINK_BURST_BYTES, RELAY_LINK_BYTES_PER_SECOND } from './frame-relay.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40)) as [NodeId, NodeId, NodeId, NodeId];

function setup() {
  const clock = new VirtualClock();
  const sent: { readonly to: NodeId; readonly message: CoordinatorMessage }[] = [];
  const offences: string[] = [];
  const relay = new FrameRelay({
    clock,
    send: (to, message) => sent.push({ to, message }),
    offend: (node, offence, code) => offences.push(`${node[0] ?? ''} ${offence} ${code}`),
  });
  relay.open('ab', A, B);
  const passed = (): number => sent.reduce((sum, { message }) => sum + (message.type === 'relay' ? message.bytes.length : 0), 0);
  return { clock, relay, sent, offences, passed };
}

const piece = (length: number, link = 'ab', last = true) => ({ type: 'relay', link, last, bytes: new Uint8Array(length) }) as const;
const taken = (bytes: number, link = 'ab') => ({ type: 'relay-taken', link, bytes }) as const;

describe('FrameRelay', () => {
  it('L3: passes pieces on in both directions, as they are', () => {
    const { relay, sent, offences } = setup();
    const message = { ...piece(3), last: false, bytes: Uint8Array.of(7, 8, 9) };
    relay.handle(A, message);
    relay.handle(B, piece(5));
    expect(sent).toEqual([{ to: B, message }, { to: A, message: piece(5) }]);
    expect(offences).toEqual([]);
  });

  it('L3: refuses what is not between the ends of an open link, by name, and passes nothing on', () => {
    const { relay, sent, offences } = setup();
    relay.handle(C, piece(1));
    relay.handle(C, taken(1));
    expect(offences).toEqual(['c not-yours relay-foreign', 'c not-yours relay-foreign']);
    relay.handle(A, piece(1, 'no such link'));
    relay.close('ab');
    relay.handle(A, piece(1));
    expect([sent, offences.length]).toEqual([[], 2]);
  });

  it('L3: keeps no more of an end than its window, however slow the other one is, and says so to who sends more', () => {
    const { relay, sent, offences, passed } = setup();
    for (let bytes = 0; bytes < RELAY_WINDOW_BYTES; bytes += RELAY_PIECE_BYTES) relay.handle(A, piece(RELAY_PIECE_BYTES));
    relay.handle(A, piece(1));
    expect([passed(), offences]).toEqual([RELAY_WINDOW_BYTES, ['a oversized relay-overrun']]);
    relay.handle(B, taken(RELAY_PIECE_BYTES));
    expect(sent.at(-1)).toEqual({ to: A, message: taken(RELAY_PIECE_BYTES) });
    relay.handle(A, piece(RELAY_PIECE_BYTES));
    expect([passed(), offences.length]).toEqual([RELAY_WINDOW_BYTES + RELAY_PIECE_BYTES, 1]);
  });

  it('L3: nobody takes more than was sent to it', () => {
    const { relay, sent, offences } = setup();
    relay.handle(A, piece(100));
    relay.handle(B, taken(101));
    relay.handle(A, taken(1));
    expect(offences).toEqual(['b not-yours relay-not-given', 'a not-yours relay-not-given']);
    expect(sent).toHaveLength(1);
  });

  it('L3: a pair that sends more than its budget of bytes is slowed down, in order; another pair is not', () => {
    const { clock, relay, sent, passed } = setup();
    relay.open('cd', C, D);
    const flood = (): void => {
      for (let bytes = 0; bytes < RELAY_WINDOW_BYTES; bytes += RELAY_PIECE_BYTES) relay.handle(A, piece(RELAY_PIECE_BYTES));
    };
    while (passed() < RELAY_LINK_BURST_BYTES) {
      flood();
      relay.handle(B, taken(RELAY_WINDOW_BYTES));
    }
    flood();
    expect(passed()).toBe(RELAY_LINK_BURST_BYTES);
    relay.handle(C, piece(10, 'cd'));
    expect(sent.at(-1)).toEqual({ to: D, message: piece(10, 'cd') });
    clock.advance(((RELAY_PIECE_BYTES / RELAY_LINK_BYTES_PER_SECOND) * 1000) / 2);
    relay.handle(B, piece(1));
    expect(passed()).toBe(RELAY_LINK_BURST_BYTES + 10);
    clock.advance((RELAY_WINDOW_BYTES / RELAY_LINK_BYTES_PER_SECOND) * 1000);
    expect(passed()).toBe(RELAY_LINK_BURST_BYTES + RELAY_WINDOW_BYTES + 11);
    expect(clock.pending).toBe(0);
  });

  it('drops what waits when a link is closed, and bounds the number of links', () => {
    const { clock, relay } = setup();
    for (let count = 0; count <= RELAY_LINK_BURST_BYTES / RELAY_PIECE_BYTES; count++) {
      relay.handle(A, piece(RELAY_PIECE_BYTES));
      relay.handle(B, taken(RELAY_PIECE_BYTES));
    }
    expect(clock.pending).toBe(1);
    relay.close('ab');
    expect([clock.pending, relay.size]).toEqual([0, 0]);
    for (let count = 0; count < MAX_RELAYED_LINKS; count++) expect(relay.open(`link-${count}`, A, B)).toBe(true);
    expect(relay.open('one too many', A, B)).toBe(false);
  });
});
