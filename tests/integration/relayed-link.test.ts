import { expect, it } from 'vitest';
import { RELAY_PIECE_BYTES, RELAY_WINDOW_BYTES } from '@ciro/core/protocol/limits.ts';
import { RELAY_LINK_BURST_BYTES, RELAY_LINK_BYTES_PER_SECOND } from '@ciro/signaling/relay/frame-relay.ts';
import { eventsOf, SmallCoordinator } from '../support/small-coordinator.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

const hidden = { hello: (hello: object) => ({ ...hello, relayOnly: true }) };
const piece = (link: string, length: number) => ({ type: 'relay', link, last: true, bytes: Buffer.alloc(length, 7) });
const relayedBytes = ({ received }: ScriptedWorker): number => received.reduce((sum, message) => sum + (message.type === 'relay' ? message.bytes.length : 0), 0);

/** Three tabs that hide their address, on a coordinator without TURN: every link of their ring goes through it. */
async function relayedRing(onMessage?: (message: CoordinatorMessage, worker: ScriptedWorker) => void) {
  const coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  const workers: ScriptedWorker[] = [];
  for (const seed of [1, 2, 3]) workers.push(await coordinator.join({ seed, ...hidden, ...(onMessage && { onMessage }) }));
  await coordinator.runner.whenReady(AbortSignal.timeout(10_000));
  const [connect] = workers[0]?.received.filter((message) => message.type === 'connect') ?? [];
  const [one] = workers;
  const other = workers.find(({ nodeId }) => nodeId === connect?.peer);
  const third = workers.find((worker) => worker !== one && worker !== other);
  if (connect === undefined || one === undefined || other === undefined || third === undefined) throw new Error('the ring is not linked');
  return { coordinator, workers, one, other, third, link: connect.link };
}

it('L1, L5: tabs that hide their address and have no TURN are joined through the coordinator, without any candidate', async () => {
  const { coordinator, workers } = await relayedRing();
  await using _ = coordinator;
  for (const { received } of workers) {
    expect(received.filter((message) => message.type === 'connect').map(({ via, iceServers }) => ({ via, iceServers }))).toEqual(new Array(2).fill({ via: 'coordinator', iceServers: [] }));
    expect(received.some((message) => message.type === 'signal')).toBe(false);
  }
  expect(coordinator.runner.status().links.map(({ open, route }) => ({ open, route }))).toEqual(new Array(3).fill({ open: true, route: 'relay' }));
});

it('L3: passes frames between the ends of a link and refuses by name what is not theirs, too much, or never sent', async () => {
  const { coordinator, one, other, third, link } = await relayedRing();
  await using _ = coordinator;
  one.sendRaw(piece(link, 5));
  const passed = await other.message('relay');
  expect({ ...passed, bytes: [...passed.bytes] }).toEqual({ type: 'relay', link, last: true, bytes: [7, 7, 7, 7, 7] });
  other.sendRaw({ type: 'relay-taken', link, bytes: 5 });
  expect(await one.message('relay-taken')).toEqual({ type: 'relay-taken', link, bytes: 5 });
  third.sendRaw(piece(link, 5));
  expect(await third.message('dropped')).toMatchObject({ code: 'relay-foreign' });
  other.sendRaw({ type: 'relay-taken', link, bytes: 1 });
  expect(await other.message('dropped')).toMatchObject({ code: 'relay-not-given' });
  for (let bytes = 0; bytes <= RELAY_WINDOW_BYTES; bytes += RELAY_PIECE_BYTES) one.sendRaw(piece(link, RELAY_PIECE_BYTES));
  expect(await one.message('dropped')).toMatchObject({ code: 'relay-overrun' });
  await expect.poll(() => relayedBytes(other)).toBe(5 + RELAY_WINDOW_BYTES);
  expect(relayedBytes(third)).toBe(0);
});

it('L3: a pair that sends as fast as it may is held to its budget, and jobs over the same tabs go on beside it', async () => {
  // Whoever gets a piece takes it at once, and whoever is told so sends the next one: a flood that keeps to the window.
  let flooding = true;
  const { coordinator, one, other, link } = await relayedRing((message, worker) => {
    if (message.type === 'relay') worker.sendRaw({ type: 'relay-taken', link: message.link, bytes: message.bytes.length });
    if (message.type === 'relay-taken' && flooding) worker.sendRaw(piece(message.link, message.bytes));
  });
  await using _ = coordinator;
  const begun = performance.now();
  for (let bytes = 0; bytes < RELAY_WINDOW_BYTES; bytes += RELAY_PIECE_BYTES) one.sendRaw(piece(link, RELAY_PIECE_BYTES));
  await expect.poll(() => relayedBytes(other)).toBeGreaterThan(RELAY_LINK_BURST_BYTES);
  for (let job = 0; job < 3; job++) {
    const { events, error } = await eventsOf(coordinator.run());
    expect(error).toBeUndefined();
    expect(events.at(-1)?.type).toBe('recorded');
  }
  const passed = relayedBytes(other);
  const seconds = (performance.now() - begun) / 1_000;
  flooding = false;
  expect(passed).toBeLessThanOrEqual(RELAY_LINK_BURST_BYTES + RELAY_LINK_BYTES_PER_SECOND * seconds + RELAY_WINDOW_BYTES);
  expect(one.received.some((message) => message.type === 'dropped')).toBe(false);
  expect(coordinator.errors).toEqual([]);
});
