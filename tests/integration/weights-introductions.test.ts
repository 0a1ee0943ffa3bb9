import { expect, it } from 'vitest';
import { chunkClaimBytes } from '@ciro/core/protocol/weights.ts';
import { AuditedNetwork } from '../support/audited-network.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { AuditedWorker } from '../support/audited-network.ts';
import type { ScriptedWorker } from '../support/scripted-worker.ts';

const ICE = { stun: ['stun:stun.test:3478'], turn: ['turn:turn.test:3478'], turnSecret: 'secret' };
const hidden: Partial<AuditedWorker> = { hello: (hello) => ({ ...hello, relayOnly: true }) };

/** A real coordinator with TURN servers, one worker that holds the whole model, and another one that comes later. */
async function setup(late: Partial<AuditedWorker> = {}) {
  const network = await AuditedNetwork.start({ stages: 1, options: { ice: ICE, publicFiles: ['https://files.test/tiny.gguf'] } });
  const giver = await network.join({ seed: 1 });
  await network.coordinator.whenReady(AbortSignal.timeout(20_000));
  const taker = await network.join({ seed: 2, ...late });
  await taker.message('assign');
  const [model] = network.coordinator.models.list();
  if (model === undefined) throw new Error('no model');
  const shards = model.manifest.shards.map(({ sha256 }) => sha256 as HexHash);
  const want = (wanted: readonly HexHash[] = shards): void => taker.send({ type: 'weights-wanted', modelId: model.id as HexHash, shards: [...wanted] });
  const connects = ({ received }: ScriptedWorker) => received.filter((message) => message.type === 'connect');
  return { network, giver, taker, model, shards, want, connects };
}

it('D5: who loads is told who holds it, and both are introduced for weights, without a TURN server', async () => {
  const { network, giver, taker, shards, want, connects } = await setup();
  await using _ = network;
  want();
  const { givers, publicUrl } = await taker.message('weights-givers');
  expect(givers).toMatchObject([{ peer: giver.nodeId, shards }]);
  expect(publicUrl).toBe('https://files.test/tiny.gguf');
  await expect.poll(() => [connects(taker).length, connects(giver).length]).toEqual([1, 1]);
  const [mine, theirs] = [connects(taker)[0], connects(giver)[0]];
  expect(mine).toMatchObject({ peer: giver.nodeId, initiator: true, via: 'peer', use: 'weights', iceServers: [{ urls: 'stun:stun.test:3478' }] });
  expect(theirs).toMatchObject({ link: mine?.link, peer: taker.nodeId, initiator: false, use: 'weights', iceServers: [{ urls: 'stun:stun.test:3478' }] });
  taker.send({ type: 'signal', to: giver.nodeId, link: mine?.link ?? '', payload: '{}' });
  expect(await giver.message('signal')).toMatchObject({ from: taker.nodeId, link: mine?.link });
  want([]);
  expect(await giver.message('disconnect')).toEqual({ type: 'disconnect', link: mine?.link });
});

it('L5: who hides its address is told of nobody', async () => {
  const { network, giver, taker, want, connects } = await setup(hidden);
  await using _ = network;
  want();
  expect((await taker.message('weights-givers')).givers).toEqual([]);
  expect([connects(taker), connects(giver)]).toEqual([[], []]);
});

it('D8: a giver that signed for bytes that are not in the file is told what it did, and named no more', async () => {
  const { network, giver, taker, model, shards, want, connects } = await setup();
  await using _ = network;
  want();
  await taker.message('weights-givers');
  await expect.poll(() => connects(giver).length).toBe(1);
  const link = connects(giver)[0]?.link ?? '';
  for (const [end, peer] of [[taker, giver], [giver, taker]] as const) {
    end.send({ type: 'link', link, peer: peer.nodeId, state: 'open', route: 'direct', rttMs: 1 });
    // What follows on another connection comes after it: the answer to this says that it was read.
    end.send({ type: 'weights-wanted', modelId: 'ee'.repeat(32) as HexHash, shards: [] });
    await end.message('dropped');
  }
  const [shard = '' as HexHash] = shards;
  const sha256 = 'cd'.repeat(32) as HexHash;
  const signature = await giver.sign(chunkClaimBytes({ network: network.coordinator.network, giver: giver.nodeId, shard, chunk: 0, sha256 }));
  taker.send({ type: 'weights-bad', giver: giver.nodeId, modelId: model.id as HexHash, shard, chunk: 0, sha256, signature });
  await expect.poll(() => giver.received.flatMap((message) => (message.type === 'dropped' ? [message.code] : []))).toEqual(['unknown-model', 'weights-forged']);
  const before = taker.received.length;
  want();
  await expect.poll(() => taker.received.slice(before).find((message) => message.type === 'weights-givers')).toMatchObject({ givers: [] });
});
