import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, expect, test } from 'vitest';
import { toHex } from '@ciro/core/bytes.ts';
import { planBytes } from '@ciro/core/job/plan.ts';
import { signWithDeviceKey } from '../pipeline/device-signature.ts';
import { layersOf, StageRing } from '../../../tests/support/stage-ring.ts';
import { TOY, TOY_MODEL_ID, ToyEngine, toyManifest } from '../../../tests/support/toy-model.ts';
import { ComputeService } from './compute-service.ts';
import { eventLoopTurns } from './event-loop-turns.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { ComputeConfig, ComputeMessage } from './compute-api.ts';
import type { ComputePlatform } from './compute-platform.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const newKey = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey(P256, false, ['sign', 'verify']);
const rawKey = async (pair: CryptoKeyPair): Promise<string> => toHex(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
const nodeAt = (index: number): NodeId => `${index + 1}`.repeat(40) as NodeId;

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

class LoadedToy extends ToyEngine {
  async dispose(): Promise<void> {
    this.jobs.clear();
  }
}

const platform = (): ComputePlatform => ({
  configureEngine: () => undefined,
  measure: async () => ({ engine: 'wasm', layerMs: 1, layerMs16: 2, headMs: 3 }),
  loadStage: async ({ shape }) => new LoadedToy(shape),
  modelSource: () => ({ manifest: async () => toyManifest(), shard: async () => new Uint8Array(1) }),
  randomHex: (bytes) => '5a'.repeat(bytes),
  now: () => performance.now(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
});

/** Services wired by real message channels, as the window wires the worker to its links. */
async function setup(stages: number) {
  const coordinator = await newKey();
  const coordinatorPublicKey = await rawKey(coordinator);
  const sent: ComputeMessage[][] = [];
  const services: ComputeService[] = [];
  const keys: string[] = [];
  for (let index = 0; index < stages; index++) {
    const device = await newKey();
    const config: ComputeConfig = { engineBase: '/ort/', coordinatorBase: 'https://ciro.test/', network: 'ciro-test', nodeId: nodeAt(index), coordinatorPublicKey, devicePublicKey: await rawKey(device), deviceKey: device.privateKey };
    const messages: ComputeMessage[] = [];
    const service = new ComputeService(platform());
    await service.configure(config, { send: (message) => void messages.push(message), signRoot: async () => '0'.repeat(128) });
    await service.assign(index, TOY_MODEL_ID, layersOf(index, stages));
    services.push(service);
    sent.push(messages);
    keys.push(config.devicePublicKey);
  }
  for (let index = 0; index < stages; index++) {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    const next = (index + 1) % stages;
    await services[index]?.attachLink(nodeAt(next), port1);
    await services[next]?.attachLink(nodeAt(index), port2);
  }
  const offer = async (prompt: readonly number[], maxTokens: number) => {
    const promptIds = new Uint8Array(Uint32Array.from(prompt).buffer);
    const plan: JobPlan = {
      format: 1, network: 'ciro-test', job: 'c'.repeat(32) as JobId, version: 1, modelId: TOY_MODEL_ID, precision: 'f32',
      stages: services.map((_, index) => ({ worker: nodeAt(index), devicePublicKey: keys[index] ?? '', layers: layersOf(index, stages) })),
      sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
      promptHash: toHex(sha256(promptIds)) as HexHash, promptTokens: prompt.length, maxTokens, stopIds: [],
      quote: { promptToken: '1', generatedToken: '1', feeBasisPoints: '0', hold: '1' }, nonces: { coordinator: 'ee'.repeat(32) as HexHash },
    };
    return { signed: { plan, signature: await signWithDeviceKey(coordinator.privateKey, planBytes(plan)) }, promptIds };
  };
  return { services, sent, offer };
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('three services joined by message ports answer a job with the ids of the whole model, and post their roots', async () => {
  const { services, sent, offer } = await setup(3);
  const prompt = [5, 9, 2, 40, 11, 3, 8, 1, 30, 22, 17, 6, 4, 50, 12, 19, 33];
  const { signed, promptIds } = await offer(prompt, 8);
  await Promise.all(services.map((service, stage) => service.plan(signed, stage, stage === 0 ? promptIds : null)));
  expect(sent.map((messages) => messages.map(({ type }) => type).at(-1))).toEqual(['prepared', 'prepared', 'prepared']);
  await services[0]?.start(signed.plan.job, 1);
  const ids = (): number[] => (sent[2] ?? []).flatMap((message) => (message.type === 'token' ? [message.id] : []));
  await until(() => ids().length === 8);
  await Promise.all(services.map((service) => service.finish(signed.plan.job, 1, prompt.length + 7)));
  expect(ids()).toEqual((await (await StageRing.make({ stages: 1, seed: 1 })).run(prompt, 8)).ids);
  for (const messages of sent) expect(messages.filter(({ type }) => type === 'root')).toHaveLength(1);
  await until(() => sent.every((messages) => messages.filter(({ type }) => type === 'acknowledge').length === 2));
});

test('what is not a frame of bytes is ignored, and a closed link refuses the next plan', async () => {
  const { services, sent, offer } = await setup(2);
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  await services[0]?.attachLink(nodeAt(1), port2);
  port1.postMessage('hello');
  port1.postMessage({ frame: [] });
  await services[0]?.detachLink(nodeAt(1));
  const { signed, promptIds } = await offer([1, 2], 2);
  await services[0]?.plan(signed, 0, promptIds);
  expect(sent[0]?.at(-1)).toMatchObject({ type: 'stage-refused', code: 'no-link' });
});

test('a new configuration keeps the loaded layers and trusts only the new coordinator', async () => {
  const { services, sent, offer } = await setup(1);
  const old = await offer([1, 2], 2);
  const device = await newKey();
  const messages: ComputeMessage[] = [];
  await services[0]?.configure(
    { engineBase: '/ort/', coordinatorBase: 'https://ciro.test/', network: 'ciro-test', nodeId: nodeAt(0), coordinatorPublicKey: await rawKey(await newKey()), devicePublicKey: await rawKey(device), deviceKey: device.privateKey },
    { send: (message) => void messages.push(message), signRoot: async () => '0'.repeat(128) },
  );
  await services[0]?.assign(9, TOY_MODEL_ID, [0, TOY.layers]);
  expect(messages).toMatchObject([{ type: 'shards', assignment: 9, state: 'ready', fetchedBytes: 0 }]);
  await services[0]?.plan(old.signed, 0, old.promptIds);
  expect(messages.at(-1)).toMatchObject({ type: 'stage-refused', code: 'unsigned-plan' });
  expect(sent[0]?.at(-1)).toMatchObject({ type: 'shards' });
});

test('measuring gives the figures of the profile; before configuration nothing works', async () => {
  const { services } = await setup(1);
  expect(await services[0]?.measure(TOY_MODEL_ID, 'auto')).toEqual({ engine: 'wasm', layerMs: 1, layerMs16: 2, headMs: 3 });
  expect(await services[0]?.memory()).toEqual({ heldBytes: 1_000, peakBytes: 2_000 });
  expect(await new ComputeService(platform()).memory()).toEqual({ heldBytes: 0, peakBytes: 0 });
  await expect(new ComputeService(platform()).measure(TOY_MODEL_ID, 'auto')).rejects.toThrow('call configure first');
});

test('turns of the event loop are tasks of their own, in order, after every microtask', async () => {
  const turn = eventLoopTurns();
  const order: string[] = [];
  const first = turn().then(() => order.push('first turn'));
  const second = turn().then(() => order.push('second turn'));
  for (let left = 20; left > 0; left--) await Promise.resolve();
  order.push('microtasks');
  await Promise.all([first, second]);
  expect(order).toEqual(['microtasks', 'first turn', 'second turn']);
});
