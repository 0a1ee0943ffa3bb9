import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { MAX_LINKS, MAX_SIGNAL_BYTES_PER_LINK, MAX_SIGNALS_PER_LINK, Relay } from './relay.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [NodeId, NodeId, NodeId];

function setup() {
  const sent: [NodeId, CoordinatorMessage][] = [];
  const frames: string[] = [];
  const hidden = new Set<NodeId>();
  const turn = { on: false };
  const relay = new Relay({
    send: (to, message) => sent.push([to, message]),
    hidesAddress: (node) => hidden.has(node),
    iceServers: {
      get hasTurn() {
        return turn.on;
      },
      for: (node) => [{ urls: `stun:of-${node[0] ?? ''}` }],
      stunOnly: () => [{ urls: 'stun:only' }],
    },
    frames: { open: (link) => Boolean(frames.push(`open ${link}`)) && link !== 'full', close: (link) => void frames.push(`close ${link}`) },
  });
  return { sent, relay, frames, hidden, turn };
}
const signal = (to: NodeId, link = 'link-1', payload = 'sdp') => ({ type: 'signal', to, link, payload }) as const;

it('both ends of a link are introduced, the waiting side first, and one initiates', () => {
  const { relay, sent, frames } = setup();
  expect(relay.open('link-1', A, B, 'peer')).toBe(true);
  expect(sent).toEqual([
    [B, { type: 'connect', link: 'link-1', peer: A, initiator: false, via: 'peer', use: 'ring', iceServers: [{ urls: 'stun:of-b' }] }],
    [A, { type: 'connect', link: 'link-1', peer: B, initiator: true, via: 'peer', use: 'ring', iceServers: [{ urls: 'stun:of-a' }] }],
  ]);
  expect(frames).toEqual([]);
});

it('a link through the coordinator is open for frames before its ends hear of it, and needs no servers', () => {
  const { relay, sent, frames } = setup();
  expect(relay.open('link-1', A, B, 'coordinator')).toBe(true);
  expect(frames).toEqual(['open link-1']);
  expect(sent.map(([, message]) => message)).toEqual([true, false].map((last) => ({ type: 'connect', link: 'link-1', peer: last ? A : B, initiator: !last, via: 'coordinator', use: 'ring', iceServers: [] })));
  relay.close('link-1');
  expect(frames).toEqual(['open link-1', 'close link-1']);
  expect(relay.open('full', A, B, 'coordinator')).toBe(false);
  expect(relay.size).toBe(0);
});

it('L5: two workers may not meet where one hides its address and nothing hides it for it', () => {
  const { relay, hidden, turn } = setup();
  expect(relay.mayMeet(A, B)).toBe(true);
  hidden.add(B);
  expect([relay.mayMeet(A, B), relay.mayMeet(B, A), relay.mayMeet(A, C)]).toEqual([false, false, true]);
  turn.on = true;
  expect(relay.mayMeet(A, B)).toBe(true);
});

it('D5: a link for weights is asked for by peer, with STUN servers only, and not where an end hides its address, TURN or not', () => {
  const { relay, sent, frames, hidden, turn } = setup();
  turn.on = true;
  expect(relay.openForWeights('weights-1', A, B)).toBe(true);
  expect(sent).toEqual([[B, A, false], [A, B, true]].map(([to, peer, initiator]) => [to, { type: 'connect', link: 'weights-1', peer, initiator, via: 'peer', use: 'weights', iceServers: [{ urls: 'stun:only' }] }]));
  hidden.add(B);
  expect([relay.openForWeights('weights-2', A, B), relay.openForWeights('weights-3', B, C)]).toEqual([false, false]);
  expect(sent).toHaveLength(2);
  expect(frames).toEqual([]);
});

it('a signal passes between the ends of its link, unread, in both directions', () => {
  const { relay, sent } = setup();
  relay.open('link-1', A, B, 'peer');
  expect(relay.handle(A, signal(B, 'link-1', '{"sdp":1}'))).toBeUndefined();
  expect(relay.handle(B, signal(A))).toBeUndefined();
  expect(sent.slice(2)).toEqual([
    [B, { type: 'signal', from: A, link: 'link-1', payload: '{"sdp":1}' }],
    [A, { type: 'signal', from: B, link: 'link-1', payload: 'sdp' }],
  ]);
});

it('nobody reaches a tab without a link to it', () => {
  const { relay, sent } = setup();
  relay.open('link-1', A, B, 'peer');
  for (const [from, message] of [[C, signal(B)], [A, signal(C)], [A, signal(A)], [A, signal(B, 'link-2')], [B, signal(B)]] as const) expect(relay.handle(from, message)).toBe('no-link');
  expect(sent).toHaveLength(2);
  expect(relay.dropped).toBe(5);
});

it('a closed link is told to both ends and relays no more; closing it again says nothing', () => {
  const { relay, sent } = setup();
  relay.open('link-1', A, B, 'peer');
  relay.close('link-1');
  relay.close('link-1');
  expect(sent.slice(2)).toEqual([[A, { type: 'disconnect', link: 'link-1' }], [B, { type: 'disconnect', link: 'link-1' }]]);
  expect(relay.handle(A, signal(B))).toBe('no-link');
  expect(relay.size).toBe(0);
});

it('a link relays so many signals and so many bytes, and no more', () => {
  const { relay } = setup();
  relay.open('link-1', A, B, 'peer');
  for (let i = 0; i < MAX_SIGNALS_PER_LINK; i++) expect(relay.handle(i % 2 === 0 ? A : B, signal(i % 2 === 0 ? B : A))).toBeUndefined();
  expect(relay.handle(A, signal(B))).toBe('link-limit');
  relay.open('link-2', A, B, 'peer');
  const big = 'x'.repeat(MAX_SIGNAL_BYTES_PER_LINK / 4);
  for (let i = 0; i < 4; i++) expect(relay.handle(A, signal(B, 'link-2', big))).toBeUndefined();
  expect(relay.handle(B, signal(A, 'link-2', 'x'))).toBe('link-limit');
});

it('links are bounded', () => {
  const { relay, sent } = setup();
  for (let i = 0; i < MAX_LINKS; i++) relay.open(`link-${i}`, A, B, 'peer');
  expect(relay.open('one too many', A, B, 'peer')).toBe(false);
  expect(sent).toHaveLength(2 * MAX_LINKS);
});
