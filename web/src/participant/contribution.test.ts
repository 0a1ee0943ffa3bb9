import { nodeIdOf } from '@ciro/core/identity/identity.ts';
import { PROTOCOL_VERSION } from '@ciro/core/protocol/limits.ts';
import { describe, expect, it } from 'vitest';
import { Contribution, type ContributionPorts } from './contribution.ts';
import { afterEvent, NOTHING_YET, stateOf, type Trouble } from './contribution-state.ts';
import { MAX_RECOVERIES, RECOVERY_WINDOW_MS } from './recovery-budget.ts';
import { WorkMeter } from './work-meter.ts';
import type { AuditId, HexHash, JobId } from '@ciro/core/ids.ts';
import type { SignedHead } from '@ciro/core/protocol/audit-from-coordinator.ts';
import type { CoordinatorMessage } from '@ciro/core/protocol/control-from-coordinator.ts';
import type { WorkerMessage } from '@ciro/core/protocol/control-from-worker.ts';
import type { Alarm } from '../audit/alarm.ts';
import type { ComputeConfig, ComputeHost, ComputeOrder, EngineLoss } from '../worker/compute-api.ts';
import type { FinishedWork } from './work-store.ts';

const MODEL = { id: 'ab'.repeat(32) as HexHash, name: 'tiny' };
const NODE = nodeIdOf('0x1');
const JOB = 'ef'.repeat(16) as JobId;
const AUDIT = '12'.repeat(16) as AuditId;
const COMMITMENT = '34'.repeat(32) as HexHash;
const HEAD: SignedHead = { body: { network: 'test', sequence: 3, hash: '56'.repeat(32) as HexHash, at: 7 }, signature: '7'.repeat(128) };
const CHALLENGE: CoordinatorMessage = { type: 'challenge', protocol: PROTOCOL_VERSION, network: 'test', challenge: 'cd'.repeat(32) as HexHash, coordinatorPublicKey: `04${'1'.repeat(128)}` };
const welcome = (resume = 'token-1'): CoordinatorMessage => ({ type: 'welcome', nodeId: NODE, resume, models: [MODEL] });
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

const audit = (): CoordinatorMessage => ({ type: 'audit', audit: AUDIT, job: JOB, planHash: COMMITMENT, stage: 0, modelId: MODEL.id, layers: [0, 2], positions: 9, sampling: null });
const credit = (): CoordinatorMessage => ({
  type: 'credit', job: JOB, amount: '5', status: 'pending', pendingTotal: '50', payableTotal: '0', withheldTotal: '0', paidPositions: 1, generatedTokens: 1, entry: { sequence: 1, hash: COMMITMENT },
});

const planOf = (job: JobId): CoordinatorMessage => ({
  type: 'plan', stage: 0, promptIds: null,
  signed: {
    signature: '0'.repeat(128),
    plan: {
      format: 2, network: 'test', job, version: 1, modelId: MODEL.id, precision: 'f32', stages: [{ worker: NODE, devicePublicKey: '04', layers: [0, 30], nonce: null }],
      sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 }, promptHash: COMMITMENT, promptTokens: 1, maxTokens: 1, stopIds: [],
      quote: { promptToken: '1', generatedToken: '1', feeBasisPoints: '0', hold: '1' }, nonces: { coordinator: COMMITMENT, requester: null },
    },
  },
});

function setup(options: { measure?: () => Promise<never>; engine?: 'wasm' | 'webgpu'; relayOnly?: boolean } = {}) {
  const sent: WorkerMessage[] = [];
  const calls: string[] = [];
  const troubles: Trouble[] = [];
  const kept: FinishedWork[] = [];
  const orders: ComputeOrder['type'][] = [];
  const alarms: Alarm[] = [];
  const heads: string[] = [];
  const watched = new Set<string>();
  const predicted: number[] = [];
  const device = { name: 'browser 1' };
  const clock = { ms: 5_000 };
  let config: ComputeConfig | undefined;
  let host: ComputeHost | undefined;
  let facts = NOTHING_YET;
  const done = (call: string) => {
    calls.push(call);
    return Promise.resolve();
  };
  const ports: ContributionPorts = {
    send: (message) => sent.push(message) > 0,
    sendWhenClear: (message) => Promise.resolve(sent.push(message) > 0),
    compute: {
      configure: (given, toHost) => {
        [config, host] = [given, toHost];
        return done(`configure ${given.network}`);
      },
      join: () => Promise.resolve([COMMITMENT]),
      device: () => Promise.resolve(device.name),
      measure: options.measure ?? ((_model, choice) => done(`measure ${choice}`).then(() => ({ engine: choice === 'auto' ? (options.engine ?? 'wasm') : choice, layerMs: 1, layerMs16: 3, headMs: 2, unfit: [] }))),
      scores: () => Promise.resolve(undefined),
      retime: () => Promise.resolve(undefined),
      assign: (assignment, _model, layers, standby) => done(`assign ${assignment} ${String(layers)}${standby ? ' standby' : ''}`),
      attachLink: () => done('attach'),
      detachLink: () => done('detach'),
      attachWeights: () => done('attach weights'),
      detachWeights: () => done('detach weights'),
      plan: () => done('plan'),
      start: (job) => done(`start ${job}`),
      finish: (job, _version, acceptedTo) => done(`finish ${job} ${acceptedTo}`),
      order: (message) => Promise.resolve(void orders.push(message.type)),
      dropAudits: () => done('drop audits'),
      progress: () => Promise.resolve({ runs: 0, running: false, slowestMs: 0 }),
      restart: () => calls.push('restart'),
      memory: () => Promise.resolve({ heldBytes: 0, peakBytes: 0 }),
      generated: () => Promise.resolve({ positions: 0, batched: 0, drafted: 0, accepted: 0 }),
      end: () => undefined,
    },
    runs: { expect: ({ chunkMs }) => predicted.push(chunkMs), began: (job) => watched.add(job), ended: (job) => watched.delete(job), clear: () => watched.clear() },
    links: { handle: (order) => calls.push(`link ${order.type}`), connectionLost: () => calls.push('close relayed links'), closeAll: () => calls.push('close links') },
    wallet: { nodeId: NODE, identityPublicKey: '0x1', devicePublicKey: `04${'2'.repeat(128)}`, deviceKey: {} as CryptoKey, signBinding: ({ challenge }) => Promise.resolve(`signed ${challenge}`), signRoot: ({ job }) => Promise.resolve(`signed ${job}`) },
    meter: new WorkMeter(),
    store: {
      keepReceipt: () => Promise.resolve(), keepWork: (work) => Promise.resolve(void kept.push(work)), keepCredit: () => Promise.reject(new Error('storage is full')), recent: () => Promise.resolve([]),
      keepAlarm: (alarm) => Promise.resolve(void alarms.push(alarm)),
      alarms: () => Promise.resolve([]),
      keepHead: (key, head) => Promise.resolve(void heads.push(`${key} ${head.body.sequence}`)),
      head: (key) => Promise.resolve(key === `04${'1'.repeat(128)}` ? HEAD : undefined),
    },
    clock: { now: () => 5_000, monotonic: () => clock.ms },
    event: (event) => (facts = afterEvent(facts, event)),
    joined: () => undefined,
    measured: () => undefined,
    shardsReady: () => calls.push('ready'),
    fetched: () => undefined,
    credited: ({ pendingTotal }) => calls.push(`credit ${pendingTotal}`),
    standing: ({ state }) => calls.push(`standing ${state}`),
    weights: ({ neighbours }) => calls.push(`from neighbours ${neighbours}`),
    auditing: ({ done: audits }) => calls.push(`audits ${audits}`),
    alarm: ({ kind }) => calls.push(`alarm ${kind}`),
    settled: ({ type }) => calls.push(type),
    fail: (trouble) => troubles.push(trouble),
  };
  ports.event({ type: 'started' });
  const contribution = new Contribution(ports, { engine: 'auto', relayOnly: options.relayOnly ?? false, memoryBudgetBytes: 1_000, agent: 'Test 1', engineBase: 'http://x/ort/', coordinatorBase: 'http://x/', mobile: true });
  const join = async () => {
    contribution.handle(CHALLENGE);
    await settled();
    contribution.handle(welcome());
    await settled();
  };
  return { contribution, sent, calls, troubles, kept, orders, alarms, heads, watched, predicted, device, clock, config: () => config, join, state: () => stateOf(facts), host: () => host };
}

describe('Contribution', () => {
  it('answers the challenge, measures once welcomed, and sends its profile', async () => {
    const { sent, calls, join, state } = setup();
    await join();
    expect(sent).toEqual([
      { type: 'hello', protocol: PROTOCOL_VERSION, identityPublicKey: '0x1', devicePublicKey: `04${'2'.repeat(128)}`, signature: `signed ${'cd'.repeat(32)}`, agent: 'Test 1' },
      { type: 'nonces', commitments: [COMMITMENT] },
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
    expect(sent.slice(1)).toMatchObject([{ type: 'nonces' }, { type: 'profile' }]);
    expect(calls).toEqual(['configure test', 'measure auto', 'close relayed links']);
  });

  it('W7: layers that were timed again make another profile; where the stage has no head, that stays as it was', async () => {
    const { contribution, sent, join } = setup();
    contribution.retimed({ layerMs: 9, layerMs16: 9, headMs: 9 });
    await join();
    contribution.retimed({ layerMs: 2, layerMs16: 6, headMs: null });
    expect(sent.filter(({ type }) => type === 'profile')).toMatchObject([{ layerMs: 1, layerMs16: 3, headMs: 2 }, { layerMs: 2, layerMs16: 6, headMs: 2 }]);
  });

  it('L5: says at every connection that it hides its address', async () => {
    const { contribution, sent, join } = setup({ relayOnly: true });
    await join();
    contribution.connectionLost();
    await join();
    expect(sent.filter(({ type }) => type === 'hello')).toMatchObject([{ relayOnly: true }, { relayOnly: true, resume: 'token-1' }]);
  });

  it('loads what it is assigned, and passes the worker\'s word on', async () => {
    const { contribution, sent, calls, join, state, host } = setup();
    await join();
    contribution.handle({ type: 'assign', assignment: 3, modelId: MODEL.id, layers: [10, 20], standby: false });
    const ready = { type: 'shards', assignment: 3, state: 'ready', loadedBytes: 9, totalBytes: 9, fetchedBytes: 4 } as const;
    host()?.send(ready);
    expect(calls).toEqual(['configure test', 'measure auto', 'assign 3 10,20', 'ready']);
    expect(sent.at(-1)).toEqual(ready);
    expect(state()).toEqual({ kind: 'ready', layers: [10, 20] });
  });

  it('stands by with layers, and says so', async () => {
    const { contribution, calls, join, state, host } = setup();
    await join();
    contribution.handle({ type: 'assign', assignment: 3, modelId: MODEL.id, layers: [10, 20], standby: true });
    host()?.send({ type: 'shards', assignment: 3, state: 'ready', loadedBytes: 9, totalBytes: 9, fetchedBytes: 4 });
    expect(calls).toContain('assign 3 10,20 standby');
    expect(state()).toMatchObject({ kind: 'waiting', why: 'standby', standby: [10, 20], loaded: true });
  });

  it('G3: answers a probe at once, without the compute worker', async () => {
    const { contribution, sent, calls, join } = setup();
    await join();
    const before = calls.length;
    contribution.handle({ type: 'probe', job: JOB, version: 2 });
    expect(sent.at(-1)).toEqual({ type: 'alive', job: JOB, version: 2 });
    expect(calls).toHaveLength(before);
  });

  it('sends nothing of a connection that is gone over the next one', async () => {
    const { contribution, sent, join, host } = setup();
    await join();
    contribution.connectionLost();
    const before = sent.length;
    host()?.send({ type: 'token', job: JOB, version: 1, position: 5, id: 7 });
    await join();
    expect(sent.slice(before).map((message) => message.type)).toEqual(['hello', 'nonces', 'profile']);
  });

  it('serves from prepared to finish', async () => {
    const { contribution, calls, join, state, host } = setup();
    await join();
    contribution.handle({ type: 'assign', assignment: 1, modelId: MODEL.id, layers: [0, 30], standby: false });
    host()?.send({ type: 'shards', assignment: 1, state: 'ready', loadedBytes: 9, totalBytes: 9, fetchedBytes: 0 });
    host()?.send({ type: 'prepared', job: JOB, version: 1 });
    expect(state()).toMatchObject({ kind: 'serving', jobs: 1 });
    contribution.handle({ type: 'finish', job: JOB, version: 1, acceptedTo: 12, reason: 'stop' });
    expect(state().kind).toBe('ready');
    expect(calls.at(-1)).toBe(`finish ${JOB} 12`);
  });

  it('G5: says that its page is hidden at every join, and each change of it once', async () => {
    const { contribution, sent, join } = setup();
    contribution.hide(true);
    await join();
    const said = () => sent.flatMap((message) => (message.type === 'visibility' ? [message] : []));
    expect(sent.map(({ type }) => type)).toEqual(['hello', 'visibility', 'nonces', 'profile']);
    contribution.hide(true);
    contribution.hide(false);
    expect(said()).toEqual([true, false].map((hidden) => ({ type: 'visibility', hidden, mobile: true })));
    contribution.connectionLost();
    contribution.hide(true);
    await join();
    expect(said().map(({ hidden }) => hidden)).toEqual([true, false, true]);
  });

  it('leaves when it pauses, takes no assignment meanwhile, and offers itself again afterwards', async () => {
    const { contribution, sent, calls, join, state } = setup();
    await join();
    contribution.pause('battery');
    expect(sent.at(-1)).toEqual({ type: 'leaving', reason: 'paused: battery' });
    expect(calls.at(-1)).toBe('drop audits');
    contribution.handle(audit());
    expect(sent.at(-1)).toMatchObject({ type: 'audit-refused', audit: AUDIT, code: 'paused' });
    contribution.handle({ type: 'assign', assignment: 1, modelId: MODEL.id, layers: [0, 30], standby: false });
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
    expect(sent).toEqual([expect.not.objectContaining({ resume: 'token-1' }), { type: 'nonces', commitments: [COMMITMENT] }]);
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
    contribution.handle(credit());
    await settled();
    expect(calls.at(-1)).toBe('credit 50');
  });

  it('passes on what concerns audits, heads and credits to the compute worker, and its word to the page', async () => {
    const { contribution, orders, calls, join } = setup();
    await join();
    const about = { job: JOB, version: 1 };
    contribution.handle({ type: 'reveal', ...about, roots: ['0x1'] });
    contribution.handle({ type: 'supply', audit: AUDIT, ...about, side: 'input', units: 1 });
    contribution.handle({ type: 'release', ...about });
    contribution.handle(audit());
    contribution.handle({ type: 'piece', audit: AUDIT, side: 'input', unit: 0, sha256: COMMITMENT, offset: 0, total: 4, bytes: new Uint8Array(4) });
    contribution.handle({ type: 'audit-open', audit: AUDIT, root: '0x1', leaves: [COMMITMENT] });
    contribution.handle({ type: 'audit-cancelled', audit: AUDIT });
    contribution.handle({ type: 'head', head: HEAD });
    contribution.handle(credit());
    contribution.handle({ type: 'standing', nodeId: NODE, passed: 3, successfulAudits: 2, failedAudits: 0, auditRate: 1, state: 'demoted' });
    expect(orders).toEqual(['reveal', 'supply', 'release', 'audit', 'piece', 'audit-open', 'audit-cancelled', 'head', 'credit']);
    expect(calls.slice(-2)).toEqual(['credit 50', 'standing demoted']);
  });

  it('B2: gives the compute worker the head that was kept under this coordinator\'s key, and keeps heads and alarms', async () => {
    const { config, host, heads, alarms, calls, join } = setup();
    await join();
    expect(config()?.head).toEqual(HEAD);
    host()?.keepHead({ ...HEAD, body: { ...HEAD.body, sequence: 4 } });
    expect(heads).toEqual([`04${'1'.repeat(128)} 4`]);
    const alarm: Alarm = { kind: 'forked-ledger', message: 'two ledgers', proof: { coordinatorPublicKey: '04', heads: [HEAD, HEAD], links: null } };
    host()?.alarm(alarm);
    host()?.auditing({ running: null, waiting: 0, done: 1, refused: 0 });
    expect(alarms).toEqual([alarm]);
    expect(calls.slice(-2)).toEqual(['alarm forked-ledger', 'audits 1']);
  });

  it('passes pieces on while it is connected, and says when it is not', async () => {
    const { contribution, host, sent, join } = setup();
    await join();
    const piece = { type: 'piece', audit: AUDIT, side: 'rows', unit: 0, sha256: COMMITMENT, offset: 0, total: 1, bytes: new Uint8Array(1) } as const;
    expect(await host()?.sendPiece(piece)).toBe(true);
    expect(sent.at(-1)).toBe(piece);
    contribution.connectionLost();
    expect(await host()?.sendPiece(piece)).toBe(false);
  });

  it('measures and qualifies again, at every join, when browser or driver are others than before', async () => {
    const { contribution, calls, device, join } = setup();
    await join();
    contribution.connectionLost();
    await join();
    expect(calls.filter((call) => call === 'measure auto')).toHaveLength(1);
    device.name = 'browser 1, driver 2';
    contribution.connectionLost();
    await join();
    expect(calls.filter((call) => call === 'measure auto')).toHaveLength(2);
    // Another page begins with nothing: no result of an earlier one is kept.
    const next = setup();
    await next.join();
    expect(next.calls).toContain('measure auto');
  });

  it('A1: gives no nonces over a connection that came after the one they were made for', async () => {
    const { contribution, sent } = setup();
    contribution.handle(CHALLENGE);
    contribution.handle(welcome());
    contribution.handle(CHALLENGE);
    await settled();
    expect(sent.map(({ type }) => type)).toEqual(['hello']);
  });

  it('K3: sends no signature over a connection that came after the one it was made for', async () => {
    const { contribution, sent } = setup();
    contribution.handle(CHALLENGE);
    contribution.connectionLost();
    await settled();
    expect(sent).toEqual([]);
  });

  it('Y7: passes on what is said of settlement', async () => {
    const { contribution, calls, join } = setup();
    await join();
    contribution.handle({ type: 'epoch-claimable', epoch: 3 });
    contribution.handle({ type: 'sponsor-refused', code: 'no-sponsor', message: 'm', retryAfterMs: null });
    expect(calls.slice(-2)).toEqual(['epoch-claimable', 'sponsor-refused']);
  });

  describe('G4: when its engine is lost', () => {
    const lose = (scene: ReturnType<typeof setup>, code: EngineLoss['code'] = 'stuck') => scene.contribution.engineLost({ code, message: 'run 7 stands' });
    const placed = async (scene: ReturnType<typeof setup>) => {
      await scene.join();
      scene.contribution.handle({ type: 'assign', assignment: 1, modelId: MODEL.id, layers: [0, 30], standby: false });
      scene.host()?.send({ type: 'prepared', job: JOB, version: 1 });
    };

    it('says so at once, starts another one, and offers itself again with fresh nonces and what it measured', async () => {
      const scene = setup();
      await placed(scene);
      scene.sent.length = scene.calls.length = 0;
      lose(scene);
      expect(scene.sent).toEqual([{ type: 'engine-lost', code: 'stuck', message: 'run 7 stands' }]);
      expect(scene.state()).toEqual({ kind: 'restarting', why: 'stuck', onWasm: false });
      await settled();
      expect(scene.calls).toEqual(['restart', 'close links', 'configure test']);
      expect(scene.config()?.engine).toBe('wasm');
      expect(scene.sent.slice(1)).toMatchObject([{ type: 'nonces' }, { type: 'profile', engine: 'wasm' }]);
      expect(scene.state()).toEqual({ kind: 'waiting', why: 'placement' });
      scene.contribution.handle({ type: 'assign', assignment: 2, modelId: MODEL.id, layers: [0, 30], standby: false });
      expect(scene.calls.at(-1)).toBe('assign 2 0,30');
    });

    it('hears nothing of the old engine any more, and gives the new one no work before it knows who it is', async () => {
      const scene = setup();
      await placed(scene);
      const old = scene.host();
      lose(scene);
      scene.calls.length = scene.orders.length = 0;
      old?.send({ type: 'fault', job: JOB, version: 1, code: 'stage-failed', message: 'm' });
      old?.engineLost({ code: 'out-of-memory', message: 'm' });
      scene.contribution.handle({ type: 'start', job: JOB, version: 1 });
      scene.contribution.handle({ type: 'finish', job: JOB, version: 1, acceptedTo: 3, reason: 'moved' });
      scene.contribution.handle(audit());
      expect([scene.calls, scene.orders]).toEqual([[], []]);
      await settled();
      old?.engineLost({ code: 'out-of-memory', message: 'm' });
      expect(scene.sent.filter(({ type }) => type === 'fault' || type === 'engine-lost')).toHaveLength(1);
    });

    it('asks for no old place while it starts again, and carries an assignment out that comes too early', async () => {
      const scene = setup();
      await placed(scene);
      scene.contribution.connectionLost();
      lose(scene);
      scene.sent.length = 0;
      scene.contribution.handle(CHALLENGE);
      await settled();
      expect(scene.sent).toEqual([expect.not.objectContaining({ resume: 'token-1' })]);
      scene.contribution.handle(welcome());
      scene.contribution.handle({ type: 'assign', assignment: 9, modelId: MODEL.id, layers: [0, 10], standby: false });
      expect(scene.calls.at(-1)).toBe('close links');
      await settled();
      expect(scene.calls.slice(-2)).toEqual(['configure test', 'assign 9 0,10']);
      expect(scene.sent.map(({ type }) => type)).toEqual(['hello', 'nonces', 'profile']);
    });

    it('watches runs from plan to the end of a job, by what its layers were measured to take', async () => {
      const scene = setup();
      await placed(scene);
      expect(scene.predicted).toEqual([30 * 3 + 2]);
      scene.contribution.handle(planOf(JOB));
      expect([...scene.watched]).toEqual([JOB]);
      scene.contribution.handle({ type: 'finish', job: JOB, version: 1, acceptedTo: 3, reason: 'stop' });
      await settled();
      expect([...scene.watched]).toEqual([]);
    });

    it('computes on the processor once the graphics device was lost too often, and says so', async () => {
      const scene = setup({ engine: 'webgpu' });
      await placed(scene);
      for (let loss = 0; loss < MAX_RECOVERIES; loss++) {
        lose(scene, 'device-lost');
        await settled();
      }
      expect(scene.sent.at(-1)).toMatchObject({ type: 'profile', engine: 'webgpu' });
      lose(scene, 'device-lost');
      expect(scene.state()).toEqual({ kind: 'restarting', why: 'device-lost', onWasm: true });
      await settled();
      expect(scene.calls.at(-1)).toBe('measure wasm');
      expect(scene.sent.at(-1)).toMatchObject({ type: 'profile', engine: 'wasm' });
    });

    it('stops when the processor fails too often, with what to do; not when that is long ago', async () => {
      const scene = setup();
      await placed(scene);
      for (let loss = 0; loss < 2 * MAX_RECOVERIES; loss++) {
        lose(scene, 'out-of-memory');
        await settled();
        scene.clock.ms += RECOVERY_WINDOW_MS / MAX_RECOVERIES;
      }
      expect(scene.troubles).toEqual([]);
      for (let loss = 0; loss < MAX_RECOVERIES && scene.troubles.length === 0; loss++) lose(scene, 'out-of-memory');
      expect(scene.troubles).toEqual([expect.objectContaining({ code: 'engine-lost', todo: expect.stringContaining('less memory') })]);
    });
  });
});
