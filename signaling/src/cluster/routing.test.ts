import { describe, expect, it } from 'vitest';
import { instanceOf, NUMBER_DIGITS, prefixOf } from './instance.ts';
import { answererOf, homeOf, LEAST_HOME_WORKERS, ownerOf } from './routing.ts';
import type { Instance, InstanceSays, StoredInstance } from './instance.ts';

const instance = (number: number, says: Partial<InstanceSays> = {}): Instance => ({ number, url: `http://10.0.0.${number}`, said: { draining: false, leads: false, workers: 0, missing: 0, rings: 0, jobs: 0, ...says } });
const stored = (number: number, rest: Partial<StoredInstance> = {}): StoredInstance => ({ ...instance(number), alive: true, successor: null, ...rest });
const jobOf = (number: number): string => prefixOf(number) + 'f'.repeat(32 - NUMBER_DIGITS);

describe('Z2: a worker is at home', () => {
  it.each([
    ['with the first one, when nobody has a worker', [instance(1), instance(2)], 1],
    ['where one is still wanted for a ring, however few others have', [instance(1, { workers: 3, missing: 1 }), instance(2)], 1],
    ['with the one that has more, of two that have too few', [instance(1, { workers: 2, missing: 9 }), instance(2, { workers: 5, missing: 6 })], 2],
    ['with one that has too few, however many they are', [instance(1, { workers: 99, missing: 1 }), instance(2)], 1],
    ['with those that have a ring, until they are enough for another home', [instance(1, { workers: LEAST_HOME_WORKERS - 1, rings: 2 }), instance(2)], 1],
    ['with a new one then', [instance(1, { workers: LEAST_HOME_WORKERS, rings: 2 }), instance(2)], 2],
    ['where fewest are', [instance(1, { workers: 60, rings: 9 }), instance(2, { workers: 40, rings: 9 })], 2],
    ['never with who is about to end', [instance(1, { workers: 3, draining: true }), instance(2)], 2],
    ['nowhere, when everybody is about to end', [instance(1, { draining: true })], undefined],
  ])('%s', (_, instances, home) => expect(homeOf(instances)?.number).toBe(home));

  it('and newcomers fill one home after the other, evenly in the end, with a ring each', () => {
    const counts = [0, 0, 0];
    for (let worker = 0; worker < 300; worker++) {
      const home = homeOf(counts.map((workers, index) => instance(index + 1, { workers, missing: Math.max(0, 4 - workers) })));
      counts[(home?.number ?? 0) - 1]! += 1;
    }
    expect(counts).toEqual([100, 100, 100]);
  });
});

describe('Z3: a question is taken', () => {
  it.each([
    ['by whom it came to, when that one has a ring', [instance(1, { rings: 1, jobs: 4 }), instance(2, { rings: 1 })], 1],
    ['by whose rings have far less to do', [instance(1, { rings: 1, jobs: 5 }), instance(2, { rings: 1 })], 2],
    ['by who has a ring, when that one has none', [instance(1), instance(2, { rings: 1, jobs: 50 })], 2],
    ['by who has most workers, when nobody has a ring and that one is about to end', [instance(1, { draining: true }), instance(2, { workers: 1 }), instance(3, { workers: 2 })], 3],
    ['by whom it came to, when nobody has a ring', [instance(1), instance(2, { workers: 9 })], 1],
    ['by whom it came to, which refuses it, when everybody is about to end', [instance(1, { draining: true }), instance(2, { draining: true })], 1],
  ])('%s', (_, instances, answerer) => expect(answererOf(instances, 1)).toBe(answerer));
});

describe('Z4: a job is known to', () => {
  it('whoever made its id, and to who goes on with what that one left, over any number of ends', () => {
    const known = [stored(1, { alive: false, successor: 2 }), stored(2, { alive: false, successor: 3 }), stored(3), stored(4, { alive: false })];
    expect([1, 2, 3].map((number) => ownerOf(jobOf(number), known))).toEqual([3, 3, 3]);
    expect([4, 5].map((number) => ownerOf(jobOf(number), known))).toEqual([undefined, undefined]);
  });

  it('nobody, when a list of instances that was tampered with goes in a circle', () => {
    expect(ownerOf(jobOf(1), [stored(1, { alive: false, successor: 2 }), stored(2, { alive: false, successor: 1 })])).toBeUndefined();
  });
});

it('a number is read back from the ids that begin with it', () => {
  for (const number of [1, 255, 16 ** NUMBER_DIGITS - 1]) expect(instanceOf(jobOf(number))).toBe(number);
});
