import { expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { instanceOf, prefixOf } from './instance.ts';
import { BEAT_MS, LOST_AFTER_MS, Membership } from './membership.ts';
import { MemoryInstances } from './memory-instances.fixture.ts';

const KEY = '04'.padEnd(130, 'a');
const jobOf = (number: number): string => prefixOf(number).padEnd(32, 'f');

class Network {
  readonly database = new MemoryInstances();
  readonly clock = new VirtualClock();
  /** Jobs that were under way anywhere. */
  readonly jobs = new Set<string>();
  readonly heard: string[] = [];
  /** Set to let the next recovery fail. */
  failing = false;

  async enter(name: string, publicKey = KEY): Promise<{ readonly instance: Membership; readonly cut: () => void; readonly load: { workers: number; missing: number; rings: number; jobs: number } }> {
    const { seat, cut } = this.database.seat(name);
    const load = { workers: 0, missing: 0, rings: 0, jobs: 0 };
    const instance = await Membership.enter(
      {
        store: this.database.store,
        seat,
        clock: this.clock,
        load: () => ({ ...load }),
        recover: async (leftBehind) => {
          const jobs = [...this.jobs];
          const isLeft = await leftBehind();
          if (this.failing) {
            this.failing = false;
            throw new Error('the recovery broke off');
          }
          this.heard.push(`${name} goes on with ${jobs.filter(isLeft).map(instanceOf).join(' ')}`);
        },
        onLead: () => this.heard.push(`${name} leads`),
        onLost: ({ code }) => this.heard.push(`${name} ${code}`),
        onError: (error) => this.heard.push(`${name}: ${(error as Error).message}`),
      },
      { url: `http://${name}`, publicKey },
    );
    await instance.start();
    await this.settle();
    return { instance, cut, load };
  }

  async beats(count = 1): Promise<void> {
    for (let beat = 0; beat < count; beat++) {
      this.clock.advance(BEAT_MS);
      await this.settle();
    }
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  }
}

it('Z5: the first leads and goes on with what a coordinator that ran alone left; the next one follows', async () => {
  const network = new Network();
  network.jobs.add('ab'.repeat(16));
  await network.enter('a');
  const { instance: b } = await network.enter('b');
  await network.beats(3);
  expect(network.heard).toEqual([`a goes on with ${0xababab}`, 'a leads']);
  expect([b.leader()?.url, b.living.map(({ number }) => number)]).toEqual(['http://a', [1, 2]]);
});

it('Z5: when the one that leads is gone another leads, and goes on with all that it had, also with what it went on with itself', async () => {
  const network = new Network();
  await network.enter('a');
  await network.enter('b');
  const { instance: c } = await network.enter('c');
  for (const number of [1, 2, 3]) network.jobs.add(jobOf(number));
  await network.beats();
  network.database.kill('a');
  await network.beats(2);
  network.database.kill('b');
  await network.beats(2);
  // Who hears that the others take it for gone says nothing more.
  expect(network.heard.slice(2)).toEqual(['a lost', 'b goes on with 1', 'b leads', 'b lost', 'c goes on with 1 2', 'c leads']);
  expect([1, 2, 3].map((number) => c.owner(jobOf(number))?.number)).toEqual([3, 3, 3]);
});

it('Z5: one that only followed is gone: the one that leads goes on with its jobs alone, and never with those of who came later', async () => {
  const network = new Network();
  const { instance: a } = await network.enter('a');
  await network.enter('b');
  await network.beats();
  network.database.kill('b');
  await network.enter('c');
  for (const number of [1, 2, 3]) network.jobs.add(jobOf(number));
  await network.beats(2);
  expect(network.heard.slice(2)).toEqual(['b lost', 'a goes on with 2']);
  expect(a.owner(jobOf(2))?.number).toBe(1);
});

it('Z5: a recovery that fails is tried again at the next beat', async () => {
  const network = new Network();
  await network.enter('a');
  await network.enter('b');
  network.jobs.add(jobOf(2));
  network.database.kill('b');
  network.failing = true;
  await network.beats(3);
  expect(network.heard.slice(2)).toEqual(['b lost', 'a: the recovery broke off', 'a goes on with 2']);
});

it('Z2: what was sent to an instance since it spoke counts', async () => {
  const network = new Network();
  const { instance: a, load } = await network.enter('a');
  const { instance: b, load: others } = await network.enter('b');
  Object.assign(load, { workers: 40, rings: 9 });
  Object.assign(others, { workers: 38, rings: 9 });
  await network.beats(2);
  expect(Array.from({ length: 5 }, () => b.home()?.number)).toEqual([2, 2, 1, 2, 1]);
  await network.beats();
  // As many as it still lacks, and then evenly.
  Object.assign(others, { workers: 2, rings: 0, missing: 2 });
  await network.beats(2);
  expect(Array.from({ length: 4 }, () => a.home()?.number)).toEqual([2, 2, 2, 2]);
  Object.assign(others, { workers: 38, rings: 9, missing: 0 });
  await a.drain();
  await network.beats();
  expect([b.home()?.number, b.answerer()?.number]).toEqual([2, 2]);
});

it('Z1: one with another key is refused, and so is one beside a coordinator that is no instance', async () => {
  const network = new Network();
  network.database.leader = 'alone';
  await expect(network.enter('a')).rejects.toMatchObject({ code: 'alone', message: expect.stringContaining('CIRO_INSTANCE_URL') });
  const other = new Network();
  await other.enter('a');
  await expect(other.enter('b', KEY.replace('a', 'b'))).rejects.toMatchObject({ code: 'other-network', message: expect.stringContaining('coordinator-key.json') });
});

it('Z5: one that is cut off from the database, or cannot reach it, ends once', async () => {
  const network = new Network();
  const { cut } = await network.enter('a');
  cut();
  await network.settle();
  expect(network.heard).toEqual(['a goes on with ', 'a leads', 'a lost']);
  await network.enter('b');
  network.database.unreachable = true;
  await network.beats(LOST_AFTER_MS / BEAT_MS + 5);
  expect(network.heard.filter((line) => line.endsWith('lost'))).toEqual(['a lost', 'b lost']);
});
