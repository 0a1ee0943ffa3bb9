import { expect, test } from 'vitest';
import { WorkLine } from './work-line.ts';
import { WorkQueue } from './work-queue.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setup() {
  const done: string[] = [];
  const line = new WorkLine<string>({ jobOf: () => 'one job', isDecode: () => false, fitTogether: () => false });
  const queue = new WorkQueue<string>(line, async (items) => {
    await turn();
    done.push(...items);
  }, turn);
  const background = (name: string): Promise<void> =>
    queue.background(async () => {
      done.push(`${name} begins`);
      await turn();
      done.push(`${name} ends`);
    });
  return { queue, done, background };
}

test('items run in their order, and a background task only when none waits', async () => {
  const { queue, done, background } = setup();
  queue.push('a');
  const task = background('task');
  queue.push('b');
  queue.push('c');
  await task;
  expect(done).toEqual(['a', 'b', 'c', 'task begins', 'task ends']);
});

test('an item waits for one background task at most, however many there are', async () => {
  const { queue, done, background } = setup();
  const tasks = [background('1'), background('2'), background('3')];
  while (!done.includes('1 begins')) await turn();
  queue.push('frame');
  await Promise.all(tasks);
  expect(done.slice(0, 3)).toEqual(['1 begins', '1 ends', 'frame']);
});

test('an audit that asks for its next task at once still lets frames in between', async () => {
  const { queue, done } = setup();
  let frames = 0;
  // A frame comes with every turn of the event loop, as from a neighbour; tasks never wait for anything themselves.
  const stop = { now: false };
  const neighbour = (async () => {
    while (!stop.now) {
      await turn();
      if (frames++ % 3 === 0) queue.push(`frame ${frames}`);
    }
  })();
  for (let task = 0; task < 20; task++) await queue.background(async () => void done.push('task'));
  stop.now = true;
  await neighbour;
  const longest = done.join(' ').split(/frame \d+/).map((between) => between.split('task').length - 1);
  expect(Math.max(...longest)).toBeLessThanOrEqual(3);
});

test('a task that fails rejects to whoever asked for it, and the queue goes on', async () => {
  const { queue, done } = setup();
  await expect(queue.background(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
  queue.push('a');
  expect(await queue.background(async () => 7)).toBe(7);
  expect(done).toEqual(['a']);
});

test('idle means that no item runs or waits; background tasks are not waited for', async () => {
  const { queue, done } = setup();
  await queue.idle();
  let release: () => void = () => undefined;
  const task = queue.background(() => new Promise<void>((resolve) => (release = resolve)));
  for (let turns = 0; turns < 5; turns++) await turn();
  await queue.idle();
  queue.push('a');
  queue.push('b');
  queue.drop((item) => item === 'b');
  const idle = queue.idle();
  release();
  await idle;
  expect(done).toEqual(['a']);
  await task;
});

test('items that are dropped while they wait leave the queue idle', async () => {
  const { queue, done } = setup();
  queue.push('a');
  queue.push('b');
  while (done.length === 0) await turn();
  const idle = queue.idle();
  queue.drop(() => true);
  await idle;
  expect(done).toEqual(['a']);
});
