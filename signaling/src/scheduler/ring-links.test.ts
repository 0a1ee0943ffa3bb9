import { expect, it } from 'vitest';
import type { NodeId } from '@ciro/core/ids.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { RingLinks } from './ring-links.ts';
import { LINK_ATTEMPTS, LINK_OPEN_TIMEOUT_MS, LINK_RETRY_MS, RELAY_LEAVE_BUSY_MS, RELAY_LEAVE_MS, RELAY_OPEN_TIMEOUT_MS } from './scheduler-limits.ts';
import { nodeId } from './workers.fixture.ts';

const [A, B, C, D] = [1, 2, 3, 4].map(nodeId) as [NodeId, NodeId, NodeId, NodeId];

function setup() {
  const clock = new VirtualClock();
  const log: string[] = [];
  const open = new Map<string, readonly [NodeId, NodeId]>();
  const ways: string[] = [];
  const state = { mayMeet: true, busy: false };
  const short = (id: NodeId): string => 'ABCD'.charAt(Number.parseInt(id, 16) - 1);
  let names = 0;
  const links = new RingLinks({
    clock,
    newLink: () => `link-${++names}`,
    introductions: {
      mayMeet: () => state.mayMeet,
      open: (link, a, b, via) => {
        ways.push(via);
        return Boolean(open.set(link, [a, b]));
      },
      close: (link) => void open.delete(link),
    },
    owner: {
      linkLost: (a, b) => log.push(`lost ${short(a)}${short(b)}`),
      linkHopeless: (a, b) => log.push(`hopeless ${short(a)}${short(b)}`),
      linkOpened: () => log.push('opened'),
      busy: () => state.busy,
    },
  });
  const say = (from: NodeId, link: string, state: 'open' | 'closed' | 'failed', route: 'direct' | 'turn' | 'unknown' = 'direct', figures: { rttMs?: number; loss?: number } = {}) => links.handle(from, { type: 'link', link, peer: A, state, route, rttMs: 3, ...figures });
  const openAll = (): void => {
    for (const [link, [a, b]] of open) {
      say(a, link, 'open');
      say(b, link, 'open');
    }
  };
  const pairs = (): string[] => [...open.values()].map(([a, b]) => short(a) + short(b)).sort();
  return { clock, links, log, open, pairs, say, openAll, ways, state };
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
  say(B, link, 'open', 'turn');
  say(A, link, 'open', 'direct');
  expect([links.allOpen, links.isOpen(B, A), links.route(B, A), log]).toEqual([true, true, 'turn', ['opened']]);
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

it('L1: a link that does not open in time, or fails, goes through the coordinator at once, and is relayed whatever the tabs say', () => {
  const { clock, links, open, say, ways, openAll } = setup();
  links.set([A, B]);
  const [first = ''] = open.keys();
  clock.advance(LINK_OPEN_TIMEOUT_MS);
  const [second = ''] = open.keys();
  expect([second === first, ways]).toEqual([false, ['peer', 'coordinator']]);
  expect(say(A, first, 'open')).toBe(true);
  expect(links.isOpen(A, B)).toBe(false);
  openAll();
  expect([links.isOpen(A, B), links.route(A, B)]).toEqual([true, 'relay']);
});

it('L1: where neither way opens, both are tried again, under other names', () => {
  const { clock, links, open, say, ways } = setup();
  links.set([A, B]);
  const [first = ''] = open.keys();
  say(A, first, 'failed');
  say(B, first, 'failed');
  clock.advance(RELAY_OPEN_TIMEOUT_MS);
  expect(open.size).toBe(0);
  clock.advance(LINK_RETRY_MS);
  expect([open.size, ways]).toEqual([1, ['peer', 'coordinator', 'peer']]);
});

it('L1: an open link that breaks is reported once, and open through the coordinator as soon as both tabs have read one message', () => {
  const { clock, links, open, openAll, say, log } = setup();
  links.set([A, B]);
  openAll();
  const [link = ''] = open.keys();
  say(B, link, 'failed');
  say(A, link, 'closed');
  expect(log).toEqual(['opened', 'lost AB']);
  openAll();
  expect([links.allOpen, links.route(A, B), log.at(-1)]).toEqual([true, 'relay', 'opened']);
  expect(clock.pending).toBe(1);
});

it('L5: two that may not meet are joined by the coordinator from the first, and never asked to meet', () => {
  const { clock, links, openAll, open, ways, state, say } = setup();
  state.mayMeet = false;
  links.set([A, B]);
  openAll();
  expect([links.allOpen, ways]).toEqual([true, ['coordinator']]);
  clock.advance(10 * RELAY_LEAVE_MS);
  const [link = ''] = open.keys();
  say(A, link, 'failed');
  clock.advance(LINK_RETRY_MS);
  expect(ways).toEqual(['coordinator', 'coordinator']);
});

it('L1: a relayed link is tried over WebRTC again when no job runs, each time after twice as long', () => {
  const { clock, links, open, openAll, say, ways, state } = setup();
  links.set([A, B]);
  const fail = (): void => void say(A, [...open.keys()][0] ?? '', 'failed');
  fail();
  openAll();
  state.busy = true;
  clock.advance(RELAY_LEAVE_MS);
  expect(ways).toEqual(['peer', 'coordinator']);
  state.busy = false;
  clock.advance(RELAY_LEAVE_BUSY_MS);
  expect(ways).toEqual(['peer', 'coordinator', 'peer']);
  fail();
  openAll();
  clock.advance(RELAY_LEAVE_MS);
  expect(ways).toHaveLength(4);
  clock.advance(RELAY_LEAVE_MS);
  openAll();
  expect([ways.slice(4), links.route(A, B)]).toEqual([['peer'], 'direct']);
  clock.advance(10 * RELAY_LEAVE_MS);
  expect(ways).toHaveLength(5);
});

it('after several attempts the link is reported as hopeless, again and again', () => {
  const { clock, links, log } = setup();
  links.set([A, B]);
  clock.advance((LINK_OPEN_TIMEOUT_MS + RELAY_OPEN_TIMEOUT_MS + LINK_RETRY_MS) * LINK_ATTEMPTS * 2);
  expect(log).toEqual(['hopeless AB', 'hopeless AB']);
});

it('operators see the newest figures of both ends: the longer round trip, the greater loss', () => {
  const { links, open, say, log } = setup();
  links.set([A, B]);
  const [link = ''] = open.keys();
  expect(links.status).toEqual([{ ends: [A, B], open: false, route: 'unknown', rttMs: 0, loss: null }]);
  say(A, link, 'open', 'direct', { rttMs: 9 });
  say(B, link, 'open', 'direct', { rttMs: 7, loss: 0.1 });
  say(A, link, 'open', 'direct', { rttMs: 4, loss: 0.02 });
  expect(links.status).toEqual([{ ends: [A, B], open: true, route: 'direct', rttMs: 7, loss: 0.1 }]);
  expect(log).toEqual(['opened']);
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
