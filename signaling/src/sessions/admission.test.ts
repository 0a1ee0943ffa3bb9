import { expect, it } from 'vitest';
import { Admission } from './admission.ts';
import { CONNECTION_BURST_PER_ADDRESS, CONNECTIONS_PER_SECOND_PER_ADDRESS } from './session-limits.ts';
import { VirtualClock } from './virtual-clock.fixture.ts';

it('an address has so many connections at a time; one that ends makes room; others are not touched', () => {
  const admission = new Admission(new VirtualClock(), 2);
  expect([admission.enter('a'), admission.enter('a')]).toEqual([undefined, undefined]);
  expect(admission.enter('a')).toContain('2 connections come from this address already');
  expect(admission.enter('b')).toBeUndefined();
  admission.leave('a');
  admission.leave('a');
  expect(admission.enter('a')).toBeUndefined();
});

it('connecting again and again is slowed down, although every connection ends at once', () => {
  const clock = new VirtualClock();
  const admission = new Admission(clock);
  const reconnect = (): string | undefined => {
    const refusal = admission.enter('a');
    admission.leave('a');
    return refusal;
  };
  for (let i = 0; i < CONNECTION_BURST_PER_ADDRESS; i++) expect(reconnect()).toBeUndefined();
  expect(reconnect()).toContain('a second from this address');
  clock.advance(1_000);
  const taken = Array.from({ length: 2 * CONNECTIONS_PER_SECOND_PER_ADDRESS }, reconnect).filter((refusal) => refusal === undefined);
  expect(taken).toHaveLength(CONNECTIONS_PER_SECOND_PER_ADDRESS);
});

it('addresses that are gone are forgotten, the oldest first, and connected ones are not', () => {
  const admission = new Admission(new VirtualClock(), 1);
  admission.enter('here');
  for (let i = 0; i < 25_000; i++) {
    admission.enter(`passing ${i}`);
    admission.leave(`passing ${i}`);
  }
  expect(admission.size).toBeLessThanOrEqual(20_000);
  expect(admission.enter('here')).toBeDefined();
});
