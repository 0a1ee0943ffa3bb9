import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import { MAX_LINKS, MAX_SIGNAL_BYTES_PER_LINK, MAX_SIGNALS_PER_LINK, Relay } from './relay.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [NodeId, NodeId, NodeId];

function setup() {
  const sent: [NodeId, CoordinatorMessage][] = [];
  return { sent, relay: new Relay({ send: (to, message) => sent.push([to, message]) }) };
}
const signal = (to: NodeId, link = 'link-1', payload = 'sdp') => ({ type: 'signal', to, link, payload }) as const;

it('both ends of a link are introduced, the waiting side first, and one initiates', () => {
  const { relay, sent } = setup();
  expect(relay.open('link-1', A, B)).toBe(true);
  expect(sent).toEqual([
    [B, { type: 'connect', link: 'link-1', peer: A, initiator: false }],
    [A, { type: 'connect', link: 'link-1', peer: B, initiator: true }],
  ]);
});

it('a signal passes between the ends of its link, unread, in both directions', () => {
  const { relay, sent } = setup();
  relay.open('link-1', A, B);
  expect(relay.handle(A, signal(B, 'link-1', '{"sdp":1}'))).toBeUndefined();
  expect(relay.handle(B, signal(A))).toBeUndefined();
  expect(sent.slice(2)).toEqual([
    [B, { type: 'signal', from: A, link: 'link-1', payload: '{"sdp":1}' }],
    [A, { type: 'signal', from: B, link: 'link-1', payload: 'sdp' }],
  ]);
});

it('nobody reaches a tab without a link to it', () => {
  const { relay, sent } = setup();
  relay.open('link-1', A, B);
  for (const [from, message] of [[C, signal(B)], [A, signal(C)], [A, signal(A)], [A, signal(B, 'link-2')], [B, signal(B)]] as const) expect(relay.handle(from, message)).toBe('no-link');
  expect(sent).toHaveLength(2);
  expect(relay.dropped).toBe(5);
});

it('a closed link is told to both ends and relays no more; closing it again says nothing', () => {
  const { relay, sent } = setup();
  relay.open('link-1', A, B);
  relay.close('link-1');
  relay.close('link-1');
  expect(sent.slice(2)).toEqual([[A, { type: 'disconnect', link: 'link-1' }], [B, { type: 'disconnect', link: 'link-1' }]]);
  expect(relay.handle(A, signal(B))).toBe('no-link');
  expect(relay.size).toBe(0);
});

it('a link relays so many signals and so many bytes, and no more', () => {
  const { relay } = setup();
  relay.open('link-1', A, B);
  for (let i = 0; i < MAX_SIGNALS_PER_LINK; i++) expect(relay.handle(i % 2 === 0 ? A : B, signal(i % 2 === 0 ? B : A))).toBeUndefined();
  expect(relay.handle(A, signal(B))).toBe('link-limit');
  relay.open('link-2', A, B);
  const big = 'x'.repeat(MAX_SIGNAL_BYTES_PER_LINK / 4);
  for (let i = 0; i < 4; i++) expect(relay.handle(A, signal(B, 'link-2', big))).toBeUndefined();
  expect(relay.handle(B, signal(A, 'link-2', 'x'))).toBe('link-limit');
});

it('links are bounded', () => {
  const { relay, sent } = setup();
  for (let i = 0; i < MAX_LINKS; i++) relay.open(`link-${i}`, A, B);
  expect(relay.open('one too many', A, B)).toBe(false);
  expect(sent).toHaveLength(2 * MAX_LINKS);
});
