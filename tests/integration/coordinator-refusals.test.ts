import { io } from 'socket.io-client';
import { expect, it } from 'vitest';
import { eventsOf, SmallCoordinator } from '../support/small-coordinator.ts';

/** How a job over three honest tabs ends, and what went wrong inside: `recorded` and nothing when all is well. */
async function answerOf(coordinator: SmallCoordinator): Promise<unknown> {
  for (const seed of [101, 102, 103]) await coordinator.join({ seed });
  const { events, error } = await eventsOf(coordinator.run());
  return { last: events.at(-1)?.type, error, errors: coordinator.errors };
}
const WELL = { last: 'recorded', error: undefined, errors: [] };

it('W1: another protocol version, W2: a malformed hello, K3: a signature by another key are each refused by name', async () => {
  await using coordinator = await SmallCoordinator.start();
  const refusals = [
    ['protocol-version', await coordinator.join({ seed: 1, hello: (hello) => ({ ...hello, protocol: 999, newField: true }) })],
    ['malformed', await coordinator.join({ seed: 2, hello: (hello) => ({ ...hello, agent: 7 }) })],
    ['bad-signature', await coordinator.join({ seed: 3, hello: (hello) => ({ ...hello, devicePublicKey: `04${'22'.repeat(64)}` }) })],
    ['bad-signature', await coordinator.join({ seed: 4, hello: (hello) => ({ ...hello, identityPublicKey: '0x123' }) })],
    ['hello-expected', await coordinator.join({ seed: 5, hello: () => ({ type: 'leaving', reason: 'first' }) })],
  ] as const;
  for (const [code, worker] of refusals) {
    expect((await worker.message('refused')).code).toBe(code);
    await worker.gone();
  }
  expect(await answerOf(coordinator)).toEqual(WELL);
});

it('the newest connection of an identity replaces the older one', async () => {
  await using coordinator = await SmallCoordinator.start();
  const older = await coordinator.join({ seed: 1 });
  await older.message('assign');
  const newer = await coordinator.join({ seed: 1 });
  expect((await older.message('refused')).code).toBe('replaced');
  await newer.message('assign');
  expect(coordinator.runner.status().workers).toBe(1);
});

it('garbage is answered with dropped until the budget is used up; a flood is refused', async () => {
  await using coordinator = await SmallCoordinator.start();
  const rude = await coordinator.join({ seed: 1 });
  await rude.message('welcome');
  for (const garbage of [null, 7, 'text', [], {}, { type: 'token' }, { type: 'nonsense' }, new Uint8Array(100), { type: 'profile', layerMs: Number.NaN }]) rude.sendRaw(garbage);
  expect((await rude.message('dropped')).code).toBe('malformed');
  for (let i = 0; i < 30; i++) rude.sendRaw({ type: 'unit', receipt: i });
  expect((await rude.message('refused')).code).toBe('too-many-messages');
  await rude.gone();

  const flooder = await coordinator.join({ seed: 2 });
  await flooder.message('welcome');
  for (let i = 0; i < 3_000; i++) flooder.sendRaw({ type: 'signal', to: flooder.nodeId, link: 'none', payload: '' });
  expect((await flooder.message('refused')).code).toBe('too-many-messages');
  expect(await answerOf(coordinator)).toEqual(WELL);
});

it('bytes that are no packet, and packets past the size limit, close only their own connection', async () => {
  await using coordinator = await SmallCoordinator.start();
  const worker = await coordinator.join({ seed: 1 });
  await worker.message('welcome');
  worker.sendRaw({ type: 'leaving', reason: 'x'.repeat(300 * 1024) });
  await worker.gone();
  for (const data of [Uint8Array.of(0x91), new Uint8Array(200_000).fill(0x91), Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)]) {
    const socket = new WebSocket(`${coordinator.url.replace('http', 'ws')}/socket/?EIO=4&transport=websocket`);
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
    socket.send(data);
    await closed;
  }
  expect(await answerOf(coordinator)).toEqual(WELL);
});

it('a page of another site may not connect; one of this site may', async () => {
  await using coordinator = await SmallCoordinator.start();
  const connect = (origin: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = io(coordinator.url, { path: '/socket', transports: ['websocket'], reconnection: false, forceNew: true, extraHeaders: { origin } });
      socket.on('connect_error', () => resolve('refused'));
      socket.io.engine.on('open', () => resolve('open'));
    });
  expect(await connect('https://evil.example')).toBe('refused');
  expect(await connect('null')).toBe('refused');
  expect(await connect(coordinator.url)).toBe('open');
});
