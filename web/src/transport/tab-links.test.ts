import { expect, it } from 'vitest';
import { TabLinks } from './tab-links.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { Link, LinkEvents, LinkSetup } from './link.ts';
import type { LinkOrder, LinkReport } from './link-manager.ts';

const PEER = 'a'.repeat(40) as NodeId;
const SERVERS = [{ urls: 'stun:stun.test' }, { urls: 'turn:turn.test', username: 'u', credential: 'c' }];
type Connect = Extract<LinkOrder, { type: 'connect' }>;

function setup({ relayOnly = false, mayGive = true } = {}) {
  const opened: LinkSetup[] = [];
  const events: LinkEvents[] = [];
  const signals: string[] = [];
  const closed: number[] = [];
  const reports: LinkReport[] = [];
  const attached: string[] = [];
  const ports: MessagePort[] = [];
  const keep = (what: string) => (_peer: NodeId, port: MessagePort) => {
    attached.push(what);
    ports.push(port);
  };
  const links = new TabLinks(
    {
      openLink: (options, given): Link => {
        const index = opened.push(options) - 1;
        events.push(given);
        return { signal: (payload) => void signals.push(`${index} ${payload}`), send: () => undefined, stats: async () => ({ route: 'direct', rttMs: 1 }), close: () => closed.push(index) && given.onClosed(undefined) };
      },
      openRelayedLink: () => {
        throw new Error('no link goes through the coordinator here');
      },
      relayOnly,
      send: (report) => void reports.push(report),
      attach: keep('ring'),
      detach: () => undefined,
      frameSent: () => undefined,
      changed: () => undefined,
    },
    { attach: keep('weights'), detach: () => undefined, mayGive: () => mayGive },
  );
  const end = (): void => {
    links.closeAll();
    for (const port of ports) port.close();
  };
  return { links, opened, events, signals, closed, reports, attached, end };
}

const connect = (change: Partial<Connect>): Connect => ({ type: 'connect', link: 'weights-1', peer: PEER, initiator: true, via: 'peer', use: 'weights', iceServers: SERVERS, ...change });

it('D5: one neighbour has a link of the ring and one for weights at the same time; each goes its own way, and people see the ring’s', () => {
  const { links, events, attached, signals, end } = setup();
  links.handle(connect({ link: 'link-1', use: 'ring' }));
  links.handle(connect({}));
  events.forEach((each) => each.onOpen());
  links.handle({ type: 'signal', from: PEER, link: 'weights-1', payload: 'answer' });
  expect(attached).toEqual(['ring', 'weights']);
  expect(signals).toEqual(['1 answer']);
  expect(links.views()).toHaveLength(1);
  end();
});

it('D5: a link for weights is opened without any TURN server, whatever it is asked for with', () => {
  const { links, opened, end } = setup();
  links.handle(connect({}));
  expect(opened).toEqual([{ initiator: true, iceServers: [{ urls: 'stun:stun.test' }], relayOnly: false }]);
  end();
});

it.each([
  ['through the coordinator', {}, { via: 'coordinator' as const }],
  ['of a tab that hides its address', { relayOnly: true }, {}],
  ['as a giver on a line that is paid by the byte', { mayGive: false }, { initiator: false }],
])('D5, L5: none is opened %s', (_what, tab, change) => {
  const { links, opened, reports, end } = setup(tab);
  links.handle(connect(change));
  expect(opened).toEqual([]);
  expect(reports).toEqual([{ type: 'link', link: 'weights-1', peer: PEER, state: 'failed', route: 'unknown', rttMs: 0 }]);
  end();
});

it('on a line that is paid by the byte a tab still takes from neighbours', () => {
  const { links, opened, end } = setup({ mayGive: false });
  links.handle(connect({}));
  expect(opened).toHaveLength(1);
  end();
});

it('with the connection to the coordinator links for weights end, and those of the ring stay', () => {
  const { links, closed, end } = setup();
  links.handle(connect({ link: 'link-1', use: 'ring' }));
  links.handle(connect({}));
  links.connectionLost();
  expect(closed).toEqual([1]);
  end();
});
