import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { RingLinks } from './ring-links.ts';
import { LINK_ATTEMPTS, LINK_OPEN_TIMEOUT_MS, LINK_RETRY_MS } from './scheduler-limits.ts';
import { nodeId } from './workers.fixture.ts';

const [A, B, C, D] = [1, 2, 3, 4].map(nodeId) as [NodeId, NodeId, NodeId, NodeId];

function setup() {
  const clock = new VirtualClock();
  const log: string[] = [];
  const open = new Map<string, readonly [NodeId, NodeId]>();
  const short = (id: NodeId): string => 'ABCD'.charAt(Number.parseInt(id, 16) - 1);
  const links = new RingLinks({
    clock,
    introductions: {
      open: (link, a, b) => Boolean(open.set(link, [a, b])),
      close: (link) => void open.delete(link),
    },
    owner: {
      linkLost: (a, b) => log.push(`lost ${short(a)}${short(b)}`),
      linkHopeless: (a, b) => log.push(`hopeless ${short(a)}${short(b)}`),
      linkOpened: () => log.push('opened'),
    },
  });
  const say = (from: NodeId, link: string, state: 'open' | 'closed' | 'failed', route: 'direct' | 'relay' | 'unknown' = 'direct') => links.handle(from, { type: 'link', link, peer: A, state, route, rttMs: 3 });
  const openAll = (): void => {
    for (const [link, [a, b]] of open) {
      say(a, link, 'open');
      say(b, link, 'open');
    }
  };
  const pairs = (): string[] => [...open.values()].map(([a, b]) => short(a) + short(b)).sort();
  return { clock, links, log, open, pairs, say, openAll };
}

it('a ring of three has three links, of two one for both directions, of one none', () => {
  const { links, pairs } = setup();
  links.set([A, B, C]);
  expect(pairs()).toEqual(['AB', 'BC', 'CA']);
  links.set([A, B]);
  expect(pairs()).toEqual(['AB']);
  links.set([A]);
  expect(pairs()).toEqual([]);
  expect(links.route(A, A)).toBe('none');
});

it('a link counts as open when both ends say so', () => {
  const { links, open, say, log } = setup();
  links.set([A, B]);
  const [link = ''] = open.keys();
  say(A, link, 'open', 'unknown');
  expect([links.allOpen, links.isOpen(A, B)]).toEqual([false, false]);
  say(A, link, 'open', 'unknown');
  expect(links.allOpen).toBe(false);
  say(B, link, 'open', 'relay');
  expect([links.allOpen, links.isOpen(B, A), links.route(B, A), log]).toEqual([true, true, 'relay', ['opened']]);
});

it('links that two rings share stay open', () => {
  const { links, pairs, openAll, open } = setup();
  links.set([A, B, C]);
  openAll();
  const before = [...open.keys()];
  links.set([A, B, D]);
  expect(pairs()).toEqual(['AB', 'BD', 'DA']);
  expect([...open.keys()].filter((link) => before.includes(link))).toHaveLength(1);
  expect(links.isOpen(A, B)).toBe(true);
});

it('a vacant stage leaves its links out', () => {
  const { links, pairs } = setup();
  links.set([A, null, C]);
  expect(pairs()).toEqual(['CA']);
});

it('a link that does not open in time, or fails, is tried again under another name', () => {
  const { clock, links, open, say } = setup();
  links.set([A, B]);
  const [first = ''] = open.keys();
  clock.advance(LINK_OPEN_TIMEOUT_MS);
  expect(open.size).toBe(0);
  clock.advance(LINK_RETRY_MS);
  const [second = ''] = open.keys();
  expect(second).not.toBe(first);
  say(A, second, 'failed');
  say(B, second, 'failed');
  clock.advance(LINK_RETRY_MS);
  expect(open.size).toBe(1);
  expect(say(A, first, 'open')).toBe(true);
  expect(links.isOpen(A, B)).toBe(false);
});

it('an open link that closes is reported once and opened again', () => {
  const { clock, links, open, openAll, say, log } = setup();
  links.set([A, B]);
  openAll();
  const [link = ''] = open.keys();
  say(B, link, 'closed');
  say(A, link, 'closed');
  expect(log).toEqual(['opened', 'lost AB']);
  clock.advance(LINK_RETRY_MS);
  openAll();
  expect(links.allOpen).toBe(true);
});

it('after several attempts the link is reported as hopeless, again and again', () => {
  const { clock, links, log } = setup();
  links.set([A, B]);
  clock.advance((LINK_OPEN_TIMEOUT_MS + LINK_RETRY_MS) * LINK_ATTEMPTS * 2);
  expect(log).toEqual(['hopeless AB', 'hopeless AB']);
});

it('a worker that speaks of a link between others is told apart from one that speaks of an old link', () => {
  const { links, open, say } = setup();
  links.set([A, B]);
  const [link = ''] = open.keys();
  expect(say(C, link, 'open')).toBe(false);
  expect(say(C, 'link-77', 'open')).toBe(true);
  expect(links.allOpen).toBe(false);
});

it('a worker that is gone takes its links and their timers with it', () => {
  const { clock, links, pairs } = setup();
  links.set([A, B, C]);
  links.drop(B);
  expect(pairs()).toEqual(['CA']);
  links.set([]);
  expect(clock.pending).toBe(0);
});
