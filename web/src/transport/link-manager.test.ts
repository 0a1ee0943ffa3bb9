import type { NodeId } from '@ciro/core/ids.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { LinkError } from './link-error.ts';
import { LinkManager } from './link-manager.ts';
import { MAX_LINKS } from './transport-limits.ts';
import type { LinkOrder, LinkReport } from './link-manager.ts';
import { openRelayedLink } from './relayed-link.ts';
import type { Link, LinkEvents, LinkSetup } from './link.ts';

const nodeOf = (digit: string) => digit.repeat(40) as NodeId;
const A = nodeOf('a');
const B = nodeOf('b');

/** A link that does what the test says; keeps what it was given. */
class FakeLink implements Link {
  readonly setup: LinkSetup;
  readonly events: LinkEvents;
  readonly signals: string[] = [];
  readonly frames: Uint8Array[] = [];
  closed = false;

  constructor(setup: LinkSetup, events: LinkEvents) {
    this.setup = setup;
    this.events = events;
  }
  signal(payload: string) {
    this.signals.push(payload);
  }
  send(frame: Uint8Array) {
    this.frames.push(frame);
  }
  stats() {
    return Promise.resolve({ route: 'direct' as const, rttMs: 3 });
  }
  close() {
    if (this.closed) return;
    this.closed = true;
    this.events.onClosed(undefined);
  }
}

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0)) step();
});

function setup(hidden = false) {
  const links: FakeLink[] = [];
  const reports: LinkReport[] = [];
  const ports = new Map<NodeId, MessagePort>();
  const sent: Uint8Array[] = [];
  const manager = new LinkManager({
    openLink(options, events) {
      const link = new FakeLink(options, events);
      links.push(link);
      return link;
    },
    openRelayedLink,
    relayOnly: hidden,
    send: (report) => reports.push(report),
    attach: (peer, port) => ports.set(peer, port),
    detach: (peer) => ports.delete(peer),
    frameSent: (frame) => sent.push(frame),
    changed: () => undefined,
  });
  cleanUp.push(() => {
    manager.closeAll();
    for (const port of ports.values()) port.close();
  });
  return { manager, links, reports, ports, sent };
}

/** The next thing that comes out of a port. */
const nextFrom = (port: MessagePort) => new Promise<unknown>((resolve) => (port.onmessage = (event) => resolve(event.data)));
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

const connect = (link: string, peer: NodeId, initiator = true): Extract<LinkOrder, { type: 'connect' }> => ({ type: 'connect', link, peer, initiator, via: 'peer', use: 'ring', iceServers: [] });

describe('LinkManager', () => {
  it('opens a link on connect, with the servers that come with it, and passes signals both ways', () => {
    const { manager, links, reports } = setup();
    manager.handle({ ...connect('l1', A), iceServers: [{ urls: 'stun:stun.example' }] });
    expect(links[0]?.setup).toEqual({ initiator: true, iceServers: [{ urls: 'stun:stun.example' }], relayOnly: false });
    links[0]?.events.onSignal('offer');
    expect(reports).toEqual([{ type: 'signal', to: A, link: 'l1', payload: 'offer' }]);
    manager.handle({ type: 'signal', from: A, link: 'l1', payload: 'answer' });
    expect(links[0]?.signals).toEqual(['answer']);
  });

  it('drops signals from somebody who is not the other end of the link', () => {
    const { manager, links } = setup();
    manager.handle(connect('l1', A, false));
    manager.handle({ type: 'signal', from: B, link: 'l1', payload: 'offer' });
    manager.handle({ type: 'signal', from: A, link: 'l2', payload: 'offer' });
    expect(links[0]?.signals).toEqual([]);
  });

  it('carries frames between the worker\'s port and the link, also those that came before it counted as open', async () => {
    const { manager, links, ports, sent, reports } = setup();
    manager.handle(connect('l1', A));
    links[0]?.events.onFrame(Uint8Array.of(1, 2, 3));
    links[0]?.events.onOpen();
    const port = ports.get(A);
    if (port === undefined) throw new Error('no port was attached');
    expect(await nextFrom(port)).toEqual(Uint8Array.of(1, 2, 3));
    port.postMessage(Uint8Array.of(9, 8));
    await settled();
    expect(links[0]?.frames).toEqual([Uint8Array.of(9, 8)]);
    expect(sent).toEqual([Uint8Array.of(9, 8)]);
    expect(reports.at(-1)).toEqual({ type: 'link', link: 'l1', peer: A, state: 'open', route: 'direct', rttMs: 3 });
    expect(manager.views()).toEqual([{ peer: A, state: 'open', route: 'direct', rttMs: 3 }]);
  });

  it('reports a failure, detaches the port and forgets the link', async () => {
    const { manager, links, ports, reports } = setup();
    manager.handle(connect('l1', A));
    links[0]?.events.onOpen();
    await settled();
    links[0]?.events.onClosed(new LinkError('silent', 'no word', { fault: 'timeout' }));
    expect(ports.size).toBe(0);
    expect(manager.views()).toEqual([]);
    expect(reports.at(-1)).toMatchObject({ type: 'link', link: 'l1', state: 'failed' });
  });

  it('closes on disconnect and says so', () => {
    const { manager, links, reports } = setup();
    manager.handle(connect('l1', A));
    manager.handle({ type: 'disconnect', link: 'l1' });
    expect(links[0]?.closed).toBe(true);
    expect(reports).toEqual([{ type: 'link', link: 'l1', peer: A, state: 'closed', route: 'unknown', rttMs: 0 }]);
  });

  it('replaces an older link to the same neighbour, and keeps the port of the newer', async () => {
    const { manager, links, ports } = setup();
    manager.handle(connect('l1', A));
    links[0]?.events.onOpen();
    manager.handle(connect('l2', A, false));
    links[1]?.events.onOpen();
    await settled();
    expect(links[0]?.closed).toBe(true);
    expect(ports.has(A)).toBe(true);
    expect(manager.views()).toHaveLength(1);
  });

  it('refuses more than MAX_LINKS links', () => {
    const { manager, links, reports } = setup();
    for (let index = 0; index <= MAX_LINKS; index++) manager.handle(connect(`l${index}`, nodeOf(index.toString(16))));
    expect(links).toHaveLength(MAX_LINKS);
    expect(reports).toEqual([expect.objectContaining({ link: `l${MAX_LINKS}`, state: 'failed' })]);
  });

  it('L5: in relay-only mode every link over WebRTC is opened so', () => {
    const { manager, links } = setup(true);
    manager.handle(connect('l1', A));
    expect(links[0]?.setup.relayOnly).toBe(true);
  });

  it('L3: carries frames through the coordinator where it says so, and shows them as relayed', async () => {
    const { manager, links, ports, reports } = setup();
    manager.handle({ ...connect('l1', A), via: 'coordinator' });
    await settled();
    expect(links).toEqual([]);
    expect(reports).toContainEqual({ type: 'link', link: 'l1', peer: A, state: 'open', route: 'relay', rttMs: 0 });
    const port = ports.get(A);
    if (port === undefined) throw new Error('no port was attached');
    manager.handle({ type: 'relay', link: 'l1', last: true, bytes: Uint8Array.of(1, 2, 3) });
    expect(await nextFrom(port)).toEqual(Uint8Array.of(1, 2, 3));
    port.postMessage(Uint8Array.of(9, 8));
    await settled();
    expect(reports.filter((report) => report.type !== 'link')).toEqual([
      expect.objectContaining({ type: 'relay', link: 'l1' }), // a heartbeat
      { type: 'relay-taken', link: 'l1', bytes: 3 },
      { type: 'relay', link: 'l1', last: true, bytes: Uint8Array.of(9, 8) },
    ]);
    manager.handle({ type: 'relay', link: 'l7', last: true, bytes: Uint8Array.of(1) });
    manager.handle({ type: 'disconnect', link: 'l1' });
    expect(manager.views()).toEqual([]);
  });
});
