import { expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { RttMatrix } from './rtt-matrix.ts';
import { MAX_RTT_SAMPLES, RTT_REMEMBERED_MS } from './scheduler-limits.ts';
import { nodeId } from './workers.fixture.ts';

const [one, two, three] = [nodeId(1), nodeId(2), nodeId(3)];

it('W5: a pair is known from either end, as a running mean; others are not', () => {
  const rtts = new RttMatrix(new VirtualClock());
  rtts.told(one, two, 10);
  expect([rtts.between(one, two), rtts.between(two, one), rtts.between(one, three)]).toEqual([10, 10, undefined]);
  rtts.told(one, two, 20);
  expect(rtts.between(two, one)).toBeGreaterThan(10);
  expect(rtts.between(two, one)).toBeLessThan(20);
  expect(rtts.of(two)).toEqual(new Map([[one, rtts.between(one, two)]]));
  expect(rtts.of(three)).toEqual(new Map());
});

it('W5: of what the two ends say the larger counts, and nothing is no measurement', () => {
  const rtts = new RttMatrix(new VirtualClock());
  rtts.told(one, two, 80);
  rtts.told(two, one, 1);
  expect(rtts.between(one, two)).toBe(80);
  rtts.told(one, three, 0);
  rtts.told(one, one, 5);
  expect(rtts.list(one).map(({ peer }) => peer)).toEqual([two]);
});

it('W5: what was said long ago is forgotten, and does not weigh in what is said after it', () => {
  const clock = new VirtualClock();
  const rtts = new RttMatrix(clock);
  rtts.told(one, two, 80);
  clock.advance(RTT_REMEMBERED_MS - 1);
  expect(rtts.list(two)).toEqual([{ peer: one, rttMs: 80, ageMs: RTT_REMEMBERED_MS - 1 }]);
  clock.advance(1);
  expect(rtts.between(one, two)).toBeUndefined();
  rtts.told(one, two, 5);
  expect(rtts.between(one, two)).toBe(5);
  expect(rtts.size).toBe(1);
});

it('W5: no more pairs are kept than it has room for, those told of longest ago go first', () => {
  const rtts = new RttMatrix(new VirtualClock());
  for (let n = 0; n < MAX_RTT_SAMPLES + 50; n++) rtts.told(nodeId(n), nodeId(n + 1), 7);
  expect(rtts.size).toBe(MAX_RTT_SAMPLES);
  expect(rtts.between(nodeId(0), nodeId(1))).toBeUndefined();
  expect(rtts.of(nodeId(0)).size).toBe(0);
  expect(rtts.between(nodeId(MAX_RTT_SAMPLES), nodeId(MAX_RTT_SAMPLES + 1))).toBe(7);
});
