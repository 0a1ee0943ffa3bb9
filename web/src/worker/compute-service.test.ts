import { sha256 } from '@noble/hashes/sha2.js';
import { afterEach, expect, test } from 'vitest';
import { toHex } from '@ciro/core/bytes.ts';
import { planBytes, planHashOf } from '@ciro/core/job/plan.ts';
import { headBytes } from '@ciro/core/ledger/head.ts';
import { signWithDeviceKey } from '../pipeline/device-signature.ts';
import { layersOf, StageRing } from '../../../tests/support/stage-ring.ts';
import { ToyAuditEngine } from '../../../tests/support/toy-audit-engine.ts';
import { TOY, TOY_MODEL_ID, ToyEngine, toyManifest } from '../../../tests/support/toy-model.ts';
import { ComputeService } from './compute-service.ts';
import { eventLoopTurns } from './event-loop-turns.ts';
import type { AuditId, HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { Alarm } from '../audit/alarm.ts';
import type { AuditorState } from '../audit/audit-ports.ts';
import type { PieceMessage } from '../pipeline/piece-sender.ts';
import type { ComputeConfig, ComputeHost, ComputeMessage, EngineLoss } from './compute-api.ts';
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

let random = 0;
const platform = (): ComputePlatform => ({
  configureEngine: () => undefined,
  measure: async () => ({ engine: 'wasm', layerMs: 1, layerMs16: 2, headMs: 3, unfit: [] }),
  scores: async (engine, { mayGoOn }) => (mayGoOn() ? { engine, ms: { bert: 1, resnet: 1, whisper: null } } : undefined),
  loadStage: async ({ shape }) => new LoadedToy(shape),
  modelSource: () => ({ manifest: async () => toyManifest(), shard: async () => new Uint8Array(1) }),
  randomHex: (bytes) => (++random).toString(16).padStart(2 * bytes, '0'),
  now: () => performance.now(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  loadAuditStage: async ({ shape }) => new ToyAuditEngine(shape),
  stageBytes: () => 1_000,
  device: async () => 'a browser',
  links: async () => ({ links: [] }),
  wait: (_milliseconds, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
});

const hostTo = (messages: ComputeMessage[], scene: { pieces?: PieceMessage[]; heads?: SignedHead[]; alarms?: Alarm[]; audits?: AuditorState[]; losses?: EngineLoss[] } = {}): ComputeHost => ({
  send: (message) => void messages.push(message),
  sendPiece: async (message) => (scene.pieces?.push(message) ?? 1) > 0,
  signRoot: async () => '0'.repeat(128),
  keepHead: (head) => void scene.heads?.push(head),
  alarm: (alarm) => void scene.alarms?.push(alarm),
  auditing: (state) => void scene.audits?.push(state),
  weights: () => undefined,
  engineLost: (loss) => void scene.losses?.push(loss),
});

/** Services wired by real message channels, as the window wires the worker to its links. */
async function setup(stages: number) {
  const coordinator = await newKey();
  const coordinatorPublicKey = await rawKey(coordinator);
  const sent: ComputeMessage[][] = [];
  const services: ComputeService[] = [];
  const keys: string[] = [];
  const commitments: HexHash[][] = [];
  const scenes = Array.from({ length: stages }, () => ({ pieces: [] as PieceMessage[], heads: [] as SignedHead[], alarms: [] as Alarm[] }));
  for (let index = 0; index < stages; index++) {
    const device = await newKey();
    const config: ComputeConfig = { engineBase: '/ort/', coordinatorBase: 'https://ciro.test/', network: 'ciro-test', nodeId: nodeAt(index), coordinatorPublicKey, devicePublicKey: await rawKey(device), deviceKey: device.privateKey };
    const messages: ComputeMessage[] = [];
    const service = new ComputeService(platform());
    await service.configure(config, hostTo(messages, scenes[index]));
    commitments.push(await service.join());
    await service.assign(index, TOY_MODEL_ID, layersOf(index, stages), false);
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
      format: 2, network: 'ciro-test', job: 'c'.repeat(32) as JobId, version: 1, modelId: TOY_MODEL_ID, precision: 'f32',
      stages: services.map((_, index) => ({ worker: nodeAt(index), devicePublicKey: keys[index] ?? '', layers: layersOf(index, stages), nonce: commitments[index]?.shift() ?? null })),
      sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
      promptHash: toHex(sha256(promptIds)) as HexHash, promptTokens: prompt.length, maxTokens, stopIds: [],
      quote: { promptToken: '1', generatedToken: '1', feeBasisPoints: '0', hold: '1' }, nonces: { coordinator: 'ee'.repeat(32) as HexHash, requester: null },
    };
    return { signed: { plan, signature: await signWithDeviceKey(coordinator.privateKey, planBytes(plan)) }, promptIds };
  };
  const signedHead = async (sequence: number, digit: string): Promise<SignedHead> => {
    const body = { network: 'ciro-test', sequence, hash: digit.repeat(64) as HexHash, at: sequence };
    return { body, signature: await signWithDeviceKey(coordinator.privateKey, headBytes(body)) };
  };
  return { services, sent, offer, scenes, signedHead };
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
    hostTo(messages),
  );
  await services[0]?.assign(9, TOY_MODEL_ID, [0, TOY.layers], false);
  expect(messages).toMatchObject([{ type: 'shards', assignment: 9, state: 'ready', fetchedBytes: 0 }]);
  await services[0]?.plan(old.signed, 0, old.promptIds);
  expect(messages.at(-1)).toMatchObject({ type: 'stage-refused', code: 'unsigned-plan' });
  expect(sent[0]?.at(-1)).toMatchObject({ type: 'shards' });
});

test('measuring gives the figures of the profile; before configuration nothing works', async () => {
  const { services } = await setup(1);
  expect(await services[0]?.measure(TOY_MODEL_ID, 'auto')).toEqual({ engine: 'wasm', layerMs: 1, layerMs16: 2, headMs: 3, unfit: [] });
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

/** Runs a job over all services to its end. */
async function answered(network: Awaited<ReturnType<typeof setup>>, prompt: readonly number[], maxTokens: number) {
  const { services, sent, offer } = network;
  const { signed, promptIds } = await offer(prompt, maxTokens);
  await Promise.all(services.map((service, stage) => service.plan(signed, stage, stage === 0 ? promptIds : null)));
  await services[0]?.start(signed.plan.job, 1);
  await until(() => (sent.at(-1) ?? []).filter(({ type }) => type === 'token').length === maxTokens);
  await Promise.all(services.map((service) => service.finish(signed.plan.job, 1, prompt.length + maxTokens - 1)));
  await until(() => sent.every((messages) => messages.some(({ type }) => type === 'root')));
  return signed;
}

const AUDIT = 'a1'.repeat(16) as AuditId;

test('A4: a tab without layers audits what another tab supplies, through the calls that the window makes', async () => {
  const network = await setup(2);
  const { plan } = await answered(network, [5, 9, 2, 40, 11, 3, 8, 1, 30, 22, 17, 6, 4, 50, 12, 19, 33], 8);
  await network.services[1]?.order({ type: 'supply', audit: AUDIT, job: plan.job, version: 1, side: 'input', units: 2 });
  const pieces = network.scenes[1]?.pieces ?? [];
  expect(pieces.map(({ unit, side }) => [unit, side])).toEqual([[0, 'input'], [1, 'input']]);

  const spare = new ComputeService(platform());
  const [messages, audits, uploads]: [ComputeMessage[], AuditorState[], PieceMessage[]] = [[], [], []];
  const device = await newKey();
  await spare.configure(
    { engineBase: '/ort/', coordinatorBase: 'https://ciro.test/', network: 'ciro-test', nodeId: 'f'.repeat(40) as NodeId, coordinatorPublicKey: await rawKey(await newKey()), devicePublicKey: await rawKey(device), deviceKey: device.privateKey },
    hostTo(messages, { audits, pieces: uploads }),
  );
  const order = { type: 'audit', audit: AUDIT, job: plan.job, planHash: planHashOf(plan), stage: 1, modelId: TOY_MODEL_ID, layers: layersOf(1, 2), positions: 24, sampling: null } as const;
  await spare.order({ ...order, sampling: { sampler: plan.sampler, promptTokens: plan.promptTokens } });
  expect(messages).toMatchObject([{ type: 'audit-refused', code: 'not-measured' }]);
  await spare.measure(TOY_MODEL_ID, 'auto');
  // The last stage's audit wants its ids looked at.
  await spare.order({ ...order, audit: 'b2'.repeat(16) as AuditId });
  await until(() => messages.length === 2);
  expect(messages[1]).toMatchObject({ type: 'audit-refused', code: 'wrong-layers' });
  await spare.order({ ...order, sampling: { sampler: plan.sampler, promptTokens: plan.promptTokens } });
  for (const piece of pieces) await spare.order({ ...piece, side: 'input' });
  await until(() => messages.some(({ type }) => type === 'audit-blind'));
  await network.services[1]?.order({ type: 'supply', audit: AUDIT, job: plan.job, version: 1, side: 'payload', units: 2 });
  await spare.order({ type: 'audit-open', audit: AUDIT, root: '0x1', leaves: ['ab'.repeat(32) as HexHash] });
  for (const piece of pieces.slice(2)) await spare.order({ ...piece, side: 'payload' });
  await until(() => messages.some(({ type }) => type === 'audit-opened'));
  expect(messages.at(-1)).toMatchObject({ type: 'audit-opened', ids: { checked: 8, ambiguous: 0, wrong: [] } });
  expect(uploads.map(({ side, unit }) => [side, unit])).toEqual([['rows', 0], ['rows', 1]]);
  await until(() => audits.at(-1)?.running === null);
  expect(audits.at(-1)).toEqual({ running: null, waiting: 0, done: 1, refused: 2 });
  expect((await spare.memory()).heldBytes).toBe(1_000);
  await spare.dropAudits();
  expect((await spare.memory()).heldBytes).toBe(0);
});

test('A4: who stands by goes on with its audit, also when it takes its layers over, for which nothing is loaded; other layers make audits go', async () => {
  let loads = 0;
  const honest = platform();
  const service = new ComputeService({ ...honest, loadStage: (order) => (loads++, honest.loadStage(order)) });
  const device = await newKey();
  const [messages, audits]: [ComputeMessage[], AuditorState[]] = [[], []];
  await service.configure(
    { engineBase: '/ort/', coordinatorBase: 'https://ciro.test/', network: 'ciro-test', nodeId: nodeAt(0), coordinatorPublicKey: await rawKey(await newKey()), devicePublicKey: await rawKey(device), deviceKey: device.privateKey },
    hostTo(messages, { audits }),
  );
  await service.measure(TOY_MODEL_ID, 'auto');
  await service.order({ type: 'audit', audit: AUDIT, job: 'c'.repeat(32) as JobId, planHash: 'd'.repeat(64) as HexHash, stage: 0, modelId: TOY_MODEL_ID, layers: [0, 3], positions: 20, sampling: null });
  await service.assign(1, TOY_MODEL_ID, [2, 4], true);
  await service.assign(2, TOY_MODEL_ID, [2, 4], false);
  expect(messages.filter(({ type }) => type === 'shards').at(-1)).toMatchObject({ assignment: 2, state: 'ready', fetchedBytes: 0 });
  expect([loads, audits.at(-1)?.running?.layers, audits.at(-1)?.refused]).toEqual([1, [0, 3], 0]);
  await service.assign(3, TOY_MODEL_ID, [0, 2], false);
  await until(() => messages.some(({ type }) => type === 'audit-refused'));
  expect(messages.find(({ type }) => type === 'audit-refused')).toMatchObject({ audit: AUDIT, code: 'placed' });
  expect(loads).toBe(2);
});

test('A2: after a job the nonce is opened, rows are released, and rows that jobs left count as held', async () => {
  const network = await setup(1);
  const { plan } = await answered(network, [5, 9, 2], 4);
  const [service] = network.services;
  expect((await service?.memory())?.heldBytes).toBe(1_000 + 6 * (1 + 4 + 4 + 4 * TOY.hidden));
  const root = network.sent[0]?.find((message) => message.type === 'root')?.root ?? '';
  await service?.order({ type: 'reveal', job: plan.job, version: 1, roots: [root] });
  expect(network.sent[0]?.at(-1)).toMatchObject({ type: 'nonce', job: plan.job, version: 1 });
  await service?.order({ type: 'release', job: plan.job, version: 1 });
  expect((await service?.memory())?.heldBytes).toBe(1_000);
});

test('B1 to B3: heads go from tab to tab over their link, two of one number are an alarm, and so is too little credit', async () => {
  const network = await setup(2);
  const { services, scenes, signedHead } = network;
  await services[0]?.order({ type: 'head', head: await signedHead(7, 'a') });
  expect(scenes[0]?.heads).toHaveLength(1);
  await until(() => scenes[1]?.heads.length === 1);
  await services[1]?.order({ type: 'head', head: await signedHead(7, 'b') });
  expect(scenes[1]?.alarms).toMatchObject([{ kind: 'forked-ledger' }]);
  const { plan } = await answered(network, [5, 9, 2, 40, 11, 3, 8, 1, 30, 22, 17, 6, 4, 50, 12, 19, 33], 8);
  await until(() => network.sent.every((messages) => messages.filter(({ type }) => type === 'acknowledge').length === 2));
  // The neighbour's copies came over the link; the coordinator says that nothing was acknowledged.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const entry = { sequence: 8, hash: 'c'.repeat(64) as HexHash };
  await services[0]?.order({ type: 'credit', job: plan.job, amount: '0', status: 'pending', pendingTotal: '0', payableTotal: '0', withheldTotal: '0', paidPositions: 0, generatedTokens: 8, entry });
  expect(scenes[0]?.alarms).toMatchObject([{ kind: 'dropped-receipt', job: plan.job, expected: '24', got: '0' }]);
});

test('W4, W7: idle measurements take the engine that was chosen and the layers that are loaded; a tab without either has nothing to measure', async () => {
  const service = new ComputeService(platform());
  const device = await newKey();
  const config: ComputeConfig = { engineBase: '/ort/', coordinatorBase: 'https://ciro.test/', network: 'ciro-test', nodeId: nodeAt(0), coordinatorPublicKey: await rawKey(await newKey()), devicePublicKey: await rawKey(device), deviceKey: device.privateKey };
  await service.configure(config, hostTo([]));
  expect([await service.scores(), await service.retime()]).toEqual([undefined, undefined]);
  await service.measure(TOY_MODEL_ID, 'auto');
  await service.assign(1, TOY_MODEL_ID, layersOf(0, 2), false);
  expect(await service.scores()).toEqual({ engine: 'wasm', ms: { bert: 1, resnet: 1, whisper: null } });
  expect(await service.retime()).toMatchObject({ layerMs: expect.any(Number), layerMs16: expect.any(Number), headMs: null });
});
