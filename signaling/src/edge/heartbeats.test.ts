import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { heartbeats } from './heartbeats.ts';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

it('passes events on and beats while none comes', async () => {
  async function* events(): AsyncGenerator<string> {
    yield 'a';
    await sleep(50);
    yield 'b';
  }
  const seen = await all(heartbeats(events(), 15));
  expect(seen[0]).toEqual({ event: 'a' });
  expect(seen.at(-1)).toEqual({ event: 'b' });
  expect(seen.slice(1, -1).length).toBeGreaterThanOrEqual(2);
  expect(new Set(seen.slice(1, -1))).toEqual(new Set(['beat']));
});

it('throws what the events throw, and ends when the reader leaves', async () => {
  async function* failing(): AsyncGenerator<string> {
    yield 'a';
    await sleep(5);
    throw new Error('broken');
  }
  await expect(all(heartbeats(failing(), 1_000))).rejects.toThrow('broken');
  const beating = heartbeats(failing(), 1_000);
  await beating.next();
  await beating.return(undefined);
  // The failure that was under way must not end the process.
  await sleep(20);
});
