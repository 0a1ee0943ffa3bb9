import { expect, it } from 'vitest';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { Readiness, STORE_ANSWER_MS } from './readiness.ts';
import type { ReadinessSources } from './readiness.ts';

function readiness(change: Partial<ReadinessSources> = {}) {
  const clock = new VirtualClock();
  return { clock, ready: new Readiness({ clock, askStore: () => Promise.resolve(), models: () => ['a'], draining: () => false, status: () => ({ ready: true, missing: 0, queued: 0 }), maxQueued: 64, ...change }) };
}
const failing = async ({ ready }: { ready: Readiness }): Promise<string[]> => (await ready.checks()).flatMap(({ name, ok, reason }) => (ok ? [] : [`${name}: ${reason}`]));

it('O2: nothing is wrong when database, model and ring are there and questions are taken', async () => {
  const found = readiness();
  expect(await failing(found)).toEqual([]);
  expect((await found.ready.checks()).every(({ ok, reason }) => ok && reason === '')).toBe(true);
  expect(found.clock.pending).toBe(0);
});

it.each<[string, Partial<ReadinessSources>, string]>([
  ['a database that fails', { askStore: () => Promise.reject(new Error('down')) }, 'store: the database did not answer'],
  ['no model', { models: () => [] }, 'model: no model is loaded'],
  ['a coordinator that stops', { draining: () => true }, 'accepting: the coordinator is stopping'],
  ['a full queue', { status: () => ({ ready: true, missing: 0, queued: 64 }) }, 'accepting: 64 jobs wait'],
  ['tabs that are missing', { status: () => ({ ready: false, missing: 3, queued: 0 }) }, 'ring: 3 more tabs must join'],
  ['stages that load', { status: () => ({ ready: false, missing: 0, queued: 0 }) }, 'ring: stages are loading'],
])('O2: names %s', async (_, change, reason) => {
  const reasons = await failing(readiness(change));
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toContain(reason);
});

it('O2: a database that does not answer is asked once at a time, and given up after two seconds', async () => {
  let asked = 0;
  const found = readiness({
    askStore: () => {
      asked++;
      return new Promise(() => undefined);
    },
  });
  const both = Promise.all([failing(found), failing(found)]);
  found.clock.advance(STORE_ANSWER_MS);
  expect((await both).map((reasons) => reasons.length)).toEqual([1, 1]);
  expect(asked).toBe(1);
});
