import { expect, it } from 'vitest';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { SponsorDesk } from './sponsor-desk.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerObserver } from '../sessions/sessions.ts';
import type { SettlementEvent } from '../settlement/ports.ts';

const ANN = 'a'.repeat(40) as NodeId;
const BOB = 'b'.repeat(40) as NodeId;
const KEYS = new Map([[ANN, '0x1ef15c18599971b7beced415a40f0c7deacfd9b0d1819e03d723d8bc943cfca'], [BOB, '0x759ca09377679ecd535a81e83039658bf40959283187c654c5416f439403cf5']]);

function setup(tickets?: (account: string) => string) {
  const clock = new VirtualClock();
  const sent: [NodeId, CoordinatorMessage][] = [];
  let observer: WorkerObserver = {};
  const desk = new SponsorDesk({
    clock,
    workers: { nodes: () => [...KEYS.keys()], observe: (added) => (observer = added), send: (node, message) => sent.push([node, message]) },
    ...(tickets && { tickets }),
  });
  const ask = (node: NodeId): CoordinatorMessage | undefined => {
    sent.length = 0;
    observer.sponsorWanted?.({ nodeId: node, identityPublicKey: KEYS.get(node) ?? '', devicePublicKey: '', agent: '' });
    expect(sent.every(([to]) => to === node)).toBe(true);
    return sent[0]?.[1];
  };
  return { clock, desk, sent, ask };
}

it('Y7: gives a ticket for the account of the identity that asks, whoever that is', () => {
  const { ask } = setup((account) => `for ${account}`);
  for (const [node, key] of KEYS) expect(ask(node)).toEqual({ type: 'sponsor-ticket', ticket: `for ${payoutAddress(key)}` });
});

it('Y7: gives four at once and one a minute from then on, and counts each worker by itself', () => {
  const { ask, clock } = setup(() => 'ticket');
  for (let at = 0; at < 4; at++) expect(ask(ANN)).toMatchObject({ type: 'sponsor-ticket' });
  expect(ask(ANN)).toMatchObject({ type: 'sponsor-refused', code: 'too-many', retryAfterMs: 60_000 });
  expect(ask(BOB)).toMatchObject({ type: 'sponsor-ticket' });
  clock.advance(60_000);
  expect(ask(ANN)).toMatchObject({ type: 'sponsor-ticket' });
  expect(ask(ANN)).toMatchObject({ type: 'sponsor-refused' });
});

it('Y7: says by name that nobody pays here', () => {
  const { ask } = setup();
  expect(ask(ANN)).toEqual({ type: 'sponsor-refused', code: 'no-sponsor', message: expect.any(String), retryAfterMs: null });
});

it('Y7: tells everybody here of a claimable epoch, and of nothing else', () => {
  const { desk, sent } = setup();
  const heard: SettlementEvent[] = [];
  const { onSettlement, epochEveryMs } = desk.telling({ epochEveryMs: 5, onSettlement: (event: SettlementEvent) => heard.push(event) });
  const events: SettlementEvent[] = [{ type: 'confirmed', epoch: 7, transaction: null }, { type: 'claimable', epoch: 7 }, { type: 'vetoed', epoch: 8 }];
  for (const event of events) onSettlement(event);
  expect(heard).toEqual(events);
  expect(epochEveryMs).toBe(5);
  expect(sent).toEqual([ANN, BOB].map((node) => [node, { type: 'epoch-claimable', epoch: 7 }]));
});
