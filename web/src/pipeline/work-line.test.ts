import { expect, test } from 'vitest';
import { randomSource } from '../../../tests/support/stage-ring.ts';
import { WorkLine } from './work-line.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`work line: seed ${seed}`);

interface Item {
  readonly job: string;
  readonly decode: boolean;
  readonly number: number;
}

const lineOf = (most = Infinity) => new WorkLine<Item>({ jobOf: ({ job }) => job, isDecode: ({ decode }) => decode, fitTogether: (items) => items.length <= most });
let made = 0;
const chunk = (job: string): Item => ({ job, decode: false, number: made++ });
const decode = (job: string): Item => ({ job, decode: true, number: made++ });
const named = (items: readonly Item[]): string => items.map(({ job, decode: generated }) => (generated ? job : `${job}*`)).join('+');

/** Everything that is taken until nothing waits; chunks have a star. */
function drained(line: WorkLine<Item>): string[] {
  const taken: string[] = [];
  while (line.size > 0) taken.push(named(line.take()));
  return taken;
}

test('E2: generated positions that wait are taken together, one of each job; a lone one is taken as it is', () => {
  const line = lineOf();
  line.push(decode('a'));
  expect(drained(line)).toEqual(['a']);
  for (const job of ['a', 'b', 'c', 'd']) line.push(decode(job));
  line.push(decode('a'));
  expect(drained(line)).toEqual(['a+b+c+d', 'a']);
  expect(line.take()).toEqual([]);
});

test('E2: as many are taken as fit together, and the others first the next time', () => {
  const line = lineOf(2);
  for (const job of ['a', 'b', 'c']) line.push(decode(job));
  expect(named(line.take())).toBe('a+b');
  line.push(decode('a'));
  expect(drained(line)).toEqual(['c+a']);
});

test('E2: generated positions and chunks of prompts take turns, so that neither waits for more than one of the other', () => {
  const line = lineOf();
  for (let each = 0; each < 3; each++) line.push(chunk('long'));
  for (let each = 0; each < 3; each++) for (const job of ['a', 'b']) line.push(decode(job));
  expect(drained(line)).toEqual(['long*', 'a+b', 'long*', 'a+b', 'long*', 'a+b']);
});

test('E2: chunks of two prompts take turns, however many of one came first', () => {
  const line = lineOf();
  for (let each = 0; each < 4; each++) line.push(chunk('first'));
  for (let each = 0; each < 2; each++) line.push(chunk('second'));
  expect(drained(line)).toEqual(['first*', 'second*', 'first*', 'second*', 'first*', 'first*']);
});

test('a job\'s generated position never overtakes the last chunks of its prompt', () => {
  const line = lineOf();
  for (const item of [chunk('a'), chunk('a'), decode('a'), decode('b')]) line.push(item);
  expect(drained(line)).toEqual(['a*', 'b', 'a*', 'a']);
});

test('E2: rows that are held back are not taken, and chunks go before them; of others no more than may leave', () => {
  let most = 0;
  const line = new WorkLine<Item>({ jobOf: ({ job }) => job, isDecode: (item) => item.decode, mayLeave: () => most, fitTogether: () => true });
  for (const item of [decode('a'), decode('b'), decode('c'), chunk('d'), chunk('e')]) line.push(item);
  expect(line.decodes).toBe(3);
  expect([line.take(), line.take(), line.take()].map(named)).toEqual(['d*', 'e*', '']);
  most = 2;
  expect(drained(line)).toEqual(['a+b', 'c']);
});

test('what is dropped is not taken and not counted', () => {
  const line = lineOf();
  for (const item of [chunk('a'), chunk('a'), decode('b'), chunk('c')]) line.push(item);
  line.drop(({ job }) => job === 'a');
  expect(line.size).toBe(2);
  expect(drained(line)).toEqual(['c*', 'b']);
});

test('whatever comes in whatever order: each job keeps its order, nothing is lost, and no wait is longer than its rule', () => {
  const random = randomSource(seed);
  for (let round = 0; round < 200; round++) {
    const line = lineOf(1 + random(4));
    const jobs = ['a', 'b', 'c', 'd', 'e'];
    const prompts = jobs.filter(() => random(2) === 0);
    const taken: Item[][] = [];
    const waits = new Map<Item, number>();
    let pushed = 0;
    const take = (): void => {
      const items = line.take();
      taken.push(items);
      for (const item of items) waits.delete(item);
      if (items.some((item) => !item.decode)) for (const item of waits.keys()) waits.set(item, (waits.get(item) ?? 0) + 1);
    };
    for (let step = 0; step < 60; step++) {
      const job = jobs[random(jobs.length)] ?? 'a';
      const item = prompts.includes(job) ? chunk(job) : decode(job);
      // One generated position of a job waits at most: the next is drawn from it.
      if (!item.decode || ![...waits.keys()].some((each) => each.job === job)) {
        line.push(item);
        pushed++;
        if (item.decode) waits.set(item, 0);
      }
      if (random(2) === 0 && line.size > 0) take();
      // With room for one only, three others may be before it, each after a chunk.
      for (const chunks of waits.values()) expect(chunks).toBeLessThanOrEqual(jobs.length);
    }
    while (line.size > 0) take();
    const all = taken.flat();
    expect(all).toHaveLength(pushed);
    for (const job of jobs) {
      const numbers = all.filter((item) => item.job === job).map(({ number }) => number);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
    for (const items of taken) {
      expect(new Set(items.map(({ job }) => job)).size).toBe(items.length);
      if (items.length > 1) expect(items.every((item) => item.decode)).toBe(true);
    }
  }
});
