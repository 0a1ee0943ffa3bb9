import { nodeIdOf } from '@ciro/core/identity/identity.ts';
import { PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import { describe, expect, it } from 'vitest';
import { Contribution, type ContributionPorts } from './contribution.ts';
import { afterEvent, NOTHING_YET, stateOf, type Trouble } from './contribution-state.ts';
import { WorkMeter } from './work-meter.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { ComputeHost } from '../worker/compute-api.ts';
import type { FinishedWork } from './work-store.ts';

const MODEL = { id: 'ab'.repeat(32) as HexHash, name: 'tiny' };
const NODE = nodeIdOf('0x1');
const JOB = 'ef'.repeat(16) as JobId;
const CHALLENGE: CoordinatorMessage = { type: 'challenge', protocol: PROTOCOL_VERSION, network: 'test', challenge: 'cd'.repeat(32) as HexHash, coordinatorPublicKey: `04${'1'.repeat(128)}` };
const welcome = (resume = 'token-1'): CoordinatorMessage => ({ type: 'welcome', nodeId: NODE, resume, iceServers: [], models: [MODEL] });
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function setup(options: { measure?: () => Promise<never> } = {}) {
  const sent: WorkerMessage[] = [];
  const calls: string[] = [];
  const troubles: Trouble[] = [];
  const kept: FinishedWork[] = [];
  let host: ComputeHost | undefined;
  let facts = NOTHING_YET;
  const done = (call: string) => {
    calls.push(call);
    return Promise.resolve();
  };
  const ports: ContributionPorts = {
    send: (message) => sent.push(message) > 0,
    compute: {
      configure: (config, given) => {
        host = given;
        return done(`configure ${config.network}`);
      },
      measure: options.measure ?? ((_model, engine) => done(`measure ${engine}`).then(() => ({ engine: 'wasm', layerMs: 1, layerMs16: 3, headMs: 2 }))),
      assign: (assignment, _model, layers) => done(`assign ${assignment} ${String(layers)}`),
      attachLink: () => done('attach'),
      detachLink: () => done('detach'),
      plan: () => done('plan'),
      start: (job) => done(`start ${job}`),
      finish: (job, _version, acceptedTo) => done(`finish ${job} ${acceptedTo}`),
      memory: () => Promise.resolve({ heldBytes: 0, peakBytes: 0 }),
      end: () => undefined,
    },
    links: { handle: (order) => calls.push(`link ${order.type}`), useIceServers: () => undefined, closeAll: () => calls.push('close links') },
    wallet: { nodeId: NODE, identityPublicKey: '0x1', devicePublicKey: `04${'2'.repeat(128)}`, deviceKey: {} as CryptoKey, signBinding: ({ challenge }) => `signed ${challenge}`, signRoot: ({ job }) => `signed ${job}` },
    meter: new WorkMeter(),
    store: { keepReceipt: () => Promise.resolve(), keepWork: (work) => Promise.resolve(void kept.push(work)), keepCredit: () => Promise.reject(new Error('storage is full')), recent: () => Promise.resolve([]) },
    clock: { now: () => 5_000, monotonic: () => 5_000 },
    event: (event) => (facts = afterEvent(facts, event)),
    joined: () => undefined,
    measured: () => undefined,
    shardsReady: () => calls.push('ready'),
    fetched: () => undefined,
    credited: ({ pendingTotal }) => calls.push(`credit ${pendingTotal}`),
    fail: (trouble) => troubles.push(trouble),
  };
  ports.event({ type: 'started' });
  const contribution = new Contribution(ports, { engine: 'auto', memoryBudgetBytes: 1_000, agent: 'Test 1', engineBase: 'http://x/ort/', coordinatorBase: 'http://x/' });
  const join = async () => {
    contribution.handle(CHALLENGE);
    contribution.handle(welcome());
    await settled();
  };
  return { contribution, sent, calls, troubles, kept, join, state: () => stateOf(facts), host: () => host };
}

describe('Contribution', () => {
  it('answers the challenge, measures once welcomed, and sends its profile', async () => {
    const { sent, calls, join, state } = setup();
    await join();
    expect(sent).toEqual([
      { type: 'hello', protocol: PROTOCOL_VERSION, identityPublicKey: '0x1', devicePublicKey: `04${'2'.repeat(128)}`, signature: `signed ${'cd'.repeat(32)}`, agent: 'Test 1' },
      { type: 'profile', engine: 'wasm', layerMs: 1, layerMs16: 3, headMs: 2, memoryBudgetBytes: 1_000 },
    ]);
    expect(calls).toEqual(['configure test', 'measure auto']);
    expect(state()).toEqual({ kind: 'waiting', why: 'placement' });
  });

  it('does not speak to a coordinator of another protocol, and says to reload', () => {
    const { contribution, sent, troubles } = setup();
    contribution.handle({ ...CHALLENGE, protocol: PROTOCOL_VERSION + 1 });
    expect(sent).toEqual([]);
    expect(troubles).toEqual([expect.objectContaining({ code: 'refused-protocol-version', todo: expect.stringContaining('Reload') })]);
  });

  it('comes back after a break with its token, without measuring or configuring again', async () => {
    const { contribution, sent, calls, join, state } = setup();
    await join();
    contribution.connectionLost();
    expect(state()).toEqual({ kind: 'connecting', again: true });
    sent.length = 0;
    await join();
    expect(sent[0]).toMatchObject({ type: 'hello', resume: 'token-1' });
    expect(sent[1]).toMatchObject({ type: 'profile' });
    expect(calls).toEqual(['configure test', 'measure auto']);
  });

  it('loads what it is assigned, and passes the worker\'s word on', async () => {
    const { contribution, sent, calls, join, state, host } = setup();
    await join();
    contribution.handle({ type: 'assign', assignment: 3, modelId: MODEL.id, layers: [10, 20] });
    const ready = { type: 'shards', assignment: 3, state: 'ready', loadedBytes: 9, totalBytes: 9, fetchedBytes: 4 } as const;
    host()?.send(ready);
    expect(calls).toEqual(['configure test', 'measure auto', 'assign 3 10,20', 'ready']);
    expect(sent.at(-1)).toEqual(ready);
    expect(state()).toEqual({ kind: 'ready', layers: [10, 20] });
  });

  it('sends nothing of a connection that is gone over the next one', async () => {
    const { contribution, sent, join, host } = setup();
    await join();
    contribution.connectionLost();
    const before = sent.length;
    host()?.send({ type: 'token', job: JOB, version: 1, position: 5, id: 7 });
    await join();
    expect(sent.slice(before).map((message) => message.type)).toEqual(['hello', 'profile']);
  });

  it('serves from prepared to finish', async () => {
    const { contribution, calls, join, state, host } = setup();
    await join();
    contribution.handle({ type: 'assign', assignment: 1, modelId: MODEL.id, layers: [0, 30] });
    host()?.send({ type: 'shards', assignment: 1, state: 'ready', loadedBytes: 9, totalBytes: 9, fetchedBytes: 0 });
    host()?.send({ type: 'prepared', job: JOB, version: 1 });
    expect(state()).toMatchObject({ kind: 'serving', jobs: 1 });
    contribution.handle({ type: 'finish', job: JOB, version: 1, acceptedTo: 12, reason: 'stop' });
    expect(state().kind).toBe('ready');
    expect(calls.at(-1)).toBe(`finish ${JOB} 12`);
  });

  it('leaves when it pauses, takes no assignment meanwhile, and offers itself again afterwards', async () => {
    const { contribution, sent, calls, join, state } = setup();
    await join();
    contribution.pause('battery');
    expect(sent.at(-1)).toEqual({ type: 'leaving', reason: 'paused: battery' });
    contribution.handle({ type: 'assign', assignment: 1, modelId: MODEL.id, layers: [0, 30] });
    expect(calls).not.toContain('assign 1 0,30');
    expect(state()).toEqual({ kind: 'paused', reason: 'battery' });
    contribution.resume();
    expect(sent.at(-1)).toMatchObject({ type: 'profile' });
  });

  it('does not resume its old place when it reconnects while paused', async () => {
    const { contribution, sent, join } = setup();
    await join();
    contribution.pause('hidden');
    contribution.connectionLost();
    sent.length = 0;
    await join();
    expect(sent).toEqual([expect.not.objectContaining({ resume: 'token-1' })]);
  });

  it('explains a refusal', () => {
    const { contribution, troubles } = setup();
    contribution.handle({ type: 'refused', code: 'replaced', message: 'a newer connection took over' });
    expect(troubles).toEqual([expect.objectContaining({ code: 'refused-replaced', todo: expect.stringContaining('Another tab') })]);
  });

  it('explains an engine that does not run, with the engine\'s own reason', async () => {
    const { join, troubles } = setup({ measure: () => Promise.reject(new Error('no WebGPU adapter')) });
    await join();
    expect(troubles).toEqual([expect.objectContaining({ code: 'compute-failed', message: 'no WebGPU adapter' })]);
  });

  it('shows credits although nothing can be stored', async () => {
    const { contribution, calls, join } = setup();
    await join();
    contribution.handle({ type: 'credit', job: JOB, amount: '5', status: 'pending', pendingTotal: '50', payableTotal: '0' });
    await settled();
    expect(calls.at(-1)).toBe('credit 50');
  });
});
