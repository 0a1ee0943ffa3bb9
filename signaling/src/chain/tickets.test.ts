import { expect, it } from 'vitest';
import { TICKET_TTL_S } from './chain-limits.ts';
import { Tickets } from './tickets.ts';

const CHAIN = '0x534e';
const KEY = new Uint8Array(32).fill(1);
const needed = expect.objectContaining({ code: 'ticket-needed' });

function setup(key = KEY) {
  const time = { now: 1_000_000 };
  return { time, tickets: new Tickets(key, CHAIN, { now: () => time.now }) };
}

it('is good once, for its account, until it is over (SPEC Y1)', () => {
  const { tickets, time } = setup();
  const ticket = tickets.issue('0x1');
  expect(() => tickets.check(ticket, '0x2')).toThrow(needed);
  const [first, second] = [tickets.check(ticket, '0x1'), tickets.check(ticket, '0x1')];
  const giveBack = first.use();
  expect(() => second.use()).toThrow(needed);
  giveBack();
  second.use();
  expect(() => tickets.check(ticket, '0x1')).toThrow(needed);
  const late = tickets.issue('0x1');
  time.now += TICKET_TTL_S * 1000;
  expect(() => tickets.check(late, '0x1')).toThrow('ticket is over');
});

it.each(['', 'x', '1.2.3', `9999999999.${'a'.repeat(32)}.${'b'.repeat(64)}`, `1.${'a'.repeat(32)}.${'b'.repeat(63)}`])('refuses %s', (ticket) => {
  expect(() => setup().tickets.check(ticket, '0x1')).toThrow(needed);
});

it('takes no ticket of another key or chain, and no key that could be searched', () => {
  const ticket = setup(new Uint8Array(32).fill(2)).tickets.issue('0x1');
  expect(() => setup().tickets.check(ticket, '0x1')).toThrow(needed);
  const other = new Tickets(KEY, '0x1', { now: () => 1_000_000 }).issue('0x1');
  expect(() => setup().tickets.check(other, '0x1')).toThrow(needed);
  expect(() => new Tickets(new Uint8Array(31), CHAIN, { now: () => 0 })).toThrow(expect.objectContaining({ code: 'bad-options' }));
});
