import { expect, it } from 'vitest';
import type { AuditId } from '@ciro/core/ids.ts';
import { FakeWorkers, nodeId } from '../scheduler/workers.fixture.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { MAX_REMEMBERED_AUDITS } from './audit-limits.ts';
import { Exchanges } from './exchanges.ts';
import { refusal } from './refusal.ts';
import type { AuditMessage, ExchangeParty } from './exchanges.ts';
import type { Refusal } from './refusal.ts';

const auditId = (n: number): AuditId => n.toString(16).padStart(32, '0') as AuditId;
const refused = (n: number): AuditMessage => ({ type: 'audit-refused', audit: auditId(n), code: 'x', message: 'x' });

function setup(answer: Refusal | undefined = undefined) {
  const workers = new FakeWorkers();
  const exchanges = new Exchanges({ workers, clock: new VirtualClock() });
  const heard: string[] = [];
  const party: ExchangeParty = { take: ({ type }) => (heard.push(type), answer), left: () => heard.push('left'), isOver: () => false };
  const offences = (): string[] => workers.offences.map(({ code }) => code);
  return { exchanges, party, heard, offences };
}

it('only the worker that was asked is heard', () => {
  const { exchanges, party, heard, offences } = setup();
  exchanges.open(auditId(1), nodeId(1), party);
  exchanges.handle(nodeId(1), refused(1));
  exchanges.handle(nodeId(2), refused(1));
  exchanges.handle(nodeId(1), refused(2));
  expect([heard, offences()]).toEqual([['audit-refused'], ['unknown-audit', 'unknown-audit']]);
});

it('the same offence in one exchange is recorded once', () => {
  const { exchanges, party, offences } = setup(refusal('forged', 'bad', 'bad'));
  const close = exchanges.open(auditId(1), nodeId(1), party);
  for (let again = 0; again < 5; again++) exchanges.handle(nodeId(1), refused(1));
  close();
  exchanges.handle(nodeId(1), refused(1));
  expect(offences()).toEqual(['bad']);
});

it('what comes after the end is refused once; leaving is told to open exchanges only', () => {
  const { exchanges, party, heard, offences } = setup();
  const close = exchanges.open(auditId(1), nodeId(1), party);
  exchanges.open(auditId(2), nodeId(1), party);
  exchanges.open(auditId(3), nodeId(2), party);
  close();
  close();
  for (let again = 0; again < 3; again++) exchanges.handle(nodeId(1), refused(1));
  exchanges.left(nodeId(1));
  expect([heard, offences()]).toEqual([['left'], ['audit-over']]);
});

it('exchanges that are over are forgotten, the oldest first; open ones never', () => {
  const { exchanges, party, heard, offences } = setup();
  exchanges.open(auditId(0), nodeId(1), party);
  for (let n = 1; n <= MAX_REMEMBERED_AUDITS + 1; n++) exchanges.open(auditId(n), nodeId(1), party)();
  for (const n of [0, 1, 2]) exchanges.handle(nodeId(1), refused(n));
  expect([heard, offences()]).toEqual([['audit-refused'], ['unknown-audit', 'audit-over']]);
});
