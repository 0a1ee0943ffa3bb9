import { expect, it } from 'vitest';
import { nodesWithProfiles } from '@ciro/signaling/edge/node-profile.ts';
import { eventsOf, SmallCoordinator } from '../support/small-coordinator.ts';

it('W3 to W6: what tabs measured, their links told and their jobs showed is in their records', async () => {
  await using coordinator = await SmallCoordinator.start({ expectWorkers: 3 });
  const workers = [];
  for (const seed of [1, 2, 3]) workers.push(await coordinator.join({ seed }));
  await coordinator.runner.whenReady(AbortSignal.timeout(10_000));
  const [one, two] = workers;
  if (one === undefined || two === undefined) throw new Error('nobody joined');
  const profileOf = async (nodeId: string) => nodesWithProfiles(await coordinator.standings.nodes(), coordinator.runner.status().figures).find(({ node_id }) => node_id === nodeId)?.profile;
  one.send({ type: 'measured', line: { downBytesPerMs: 2_000, upBytesPerMs: 900 }, scores: { engine: 'wasm', ms: { bert: 10, resnet: null, whisper: 25 } } });
  await expect.poll(async () => (await profileOf(one.nodeId))?.scores).toMatchObject({ engine: 'wasm', bert: { ms: 10, gflops: expect.any(Number) }, resnet: null, whisper: { ms: 25 } });
  expect((await profileOf(one.nodeId))?.line).toEqual({ down_bytes_per_ms: 2_000, down_from: 'told', up_bytes_per_ms: 900 });
  expect((await profileOf(two.nodeId))?.scores).toBeNull();

  // A round trip that an end of a link tells is of that pair; one of a link between others is none.
  const connect = one.received.find((message) => message.type === 'connect');
  const third = workers.find((worker) => worker !== one && worker.nodeId !== connect?.peer);
  if (connect === undefined || third === undefined) throw new Error('no link');
  const link = { type: 'link', link: connect.link, state: 'open', route: 'direct' } as const;
  one.send({ ...link, peer: connect.peer, rttMs: 60 });
  third.send({ ...link, peer: one.nodeId, rttMs: 1 });
  await expect.poll(async () => (await profileOf(one.nodeId))?.neighbours.find(({ node_id }) => node_id === connect.peer)?.rtt_ms).toBeGreaterThan(10);
  expect((await profileOf(connect.peer))?.neighbours.find(({ node_id }) => node_id === one.nodeId)?.rtt_ms).toBe((await profileOf(one.nodeId))?.neighbours.find(({ node_id }) => node_id === connect.peer)?.rtt_ms);

  const { error } = await eventsOf(coordinator.run());
  expect(error).toBeUndefined();
  await expect.poll(async () => (await profileOf(one.nodeId))?.engine_share).not.toBeUndefined();

  // Out of range is named, and changes nothing.
  one.sendRaw({ type: 'measured', line: { downBytesPerMs: 1e9, upBytesPerMs: 1 } });
  expect(await one.message('dropped')).toMatchObject({ code: 'malformed', message: expect.stringContaining('line.downBytesPerMs') });
  expect((await profileOf(one.nodeId))?.line.down_bytes_per_ms).toBe(2_000);
});
