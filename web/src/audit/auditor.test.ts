import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { blindBytes, blindCommitment } from '@ciro/core/audit/blind.ts';
import { checkUnit } from '@ciro/core/audit/check-unit.ts';
import { fromBase64 } from '@ciro/core/bytes.ts';
import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { calibrationOf } from '@ciro/core/model/parse-manifest.ts';
import { signWithDeviceKey, SignatureVerifier } from '../pipeline/device-signature.ts';
import { PieceSender } from '../pipeline/piece-sender.ts';
import { sha256Digest } from '../pipeline/sha256-digest.ts';
import { layersOf, randomSource, RING_NETWORK, StageRing, turn } from '../../../tests/support/stage-ring.ts';
import { ToyAuditEngine } from '../../../tests/support/toy-audit-engine.ts';
import { TOY, TOY_MODEL_ID, toyManifest } from '../../../tests/support/toy-model.ts';
import { AUDIT_SILENT_MS, MAX_QUEUED_AUDITS } from './audit-limits.ts';
import { Auditor } from './auditor.ts';
import type { AuditId, HexHash, NodeId } from '@ciro/core/ids.ts';
import type { ReceiptBody } from '@ciro/core/receipt/receipt.ts';
import type { RingJob, RingWorker } from '../../../tests/support/stage-ring.ts';
import type { AuditOrder, AuditorMessage, AuditorPorts, AuditorState } from './audit-ports.ts';
import type { PieceIn } from './piece-inbox.ts';
import type { PieceMessage } from '../pipeline/piece-sender.ts';

/** Set CIRO_FUZZ_SEED to repeat a run. */
const seed = Number(process.env['CIRO_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
console.info(`auditor: seed ${seed}`);

const STAGES = 3;
const AUDITOR = 'a'.repeat(40) as NodeId;
const auditAt = (index: number): AuditId => index.toString(16).padStart(32, '0') as AuditId;
const sha256 = (bytes: Uint8Array): HexHash => createHash('sha256').update(bytes).digest('hex') as HexHash;
const random = randomSource(seed);
const PROMPT = Array.from({ length: 21 }, () => random(TOY.vocabulary));

/** A job that three workers did, with what they signed and would supply. */
const ring = await StageRing.make({ stages: STAGES, seed });
const job: RingJob = await ring.run(PROMPT, 30, (plan) => ({ ...plan, sampler: { ...plan.sampler, temperature: 0.9, repetitionPenalty: 1.1, seed: 5 } }));

interface Case {
  readonly order: AuditOrder;
  readonly units: readonly { readonly body: ReceiptBody; readonly canonHash: string; readonly hintHash: string; readonly hints: string }[];
  readonly inputs: readonly Uint8Array[];
  readonly payloads: readonly Uint8Array[];
}

async function caseOf(stage: number, audit = auditAt(1)): Promise<Case> {
  const worker = ring.workers[stage] as RingWorker;
  const units = ring.sent(stage, 'unit', job).map(({ receipt, canonHash, hintHash, hints }) => ({ body: receipt.body, canonHash, hintHash, hints }));
  const { plan } = job.signed;
  const piecesOf = async (side: 'input' | 'payload'): Promise<Uint8Array[]> => {
    worker.pieces.splice(0);
    await worker.pipeline.after.supply({ type: 'supply', audit, job: plan.job, version: 1, side, units: units.length });
    return worker.pieces.map(({ bytes }) => bytes);
  };
  const last = stage === STAGES - 1;
  const order: AuditOrder = {
    type: 'audit', audit, job: plan.job, planHash: planHashOf(plan), stage, modelId: TOY_MODEL_ID, layers: layersOf(stage, STAGES), positions: units.at(-1)?.body.to ?? 0,
    sampling: last ? { sampler: plan.sampler, promptTokens: plan.promptTokens } : null,
  };
  return { order, units, inputs: await piecesOf('input'), payloads: await piecesOf('payload') };
}

/** Parts of pieces, cut so that every piece comes in two. */
function* partsOf(audit: AuditId, side: PieceIn['side'], pieces: readonly Uint8Array[]): Generator<PieceIn> {
  for (const [unit, piece] of pieces.entries()) {
    const middle = Math.ceil(piece.length / 2);
    for (const [offset, end] of [[0, middle], [middle, piece.length]] as const) {
      yield { type: 'piece', audit, side, unit, sha256: sha256(piece), offset, total: piece.length, bytes: piece.slice(offset, end) };
    }
  }
}

async function setup(change: { memoryBudgetBytes?: number; jobBytes?: number; provider?: 'wasm' | undefined; engineBytes?: number } = {}) {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const devicePublicKey = Buffer.from(await crypto.subtle.exportKey('raw', keys.publicKey)).toString('hex');
  const sent: (AuditorMessage | PieceMessage)[] = [];
  const engines: ToyAuditEngine[] = [];
  const states: AuditorState[] = [];
  const timers: { readonly milliseconds: number; readonly ring: () => void }[] = [];
  const scene = { sent, engines, states, devicePublicKey, jobBytes: change.jobBytes ?? 0, loadGate: undefined as Promise<void> | undefined, elapse: (milliseconds: number) => timers.splice(0).forEach((timer) => (timer.milliseconds <= milliseconds ? timer.ring() : timers.push(timer))) };
  let salts = 0;
  const pieces = new PieceSender({ digest: sha256Digest, turn, sendPiece: async (message) => sent.push(message) > 0 });
  const ports: AuditorPorts = {
    identity: { network: RING_NETWORK, nodeId: AUDITOR, memoryBudgetBytes: change.memoryBudgetBytes ?? 1e6 },
    send: (message) => void sent.push(message),
    upload: (upload, signal) => pieces.send(upload, signal),
    digest: sha256Digest,
    sign: (bytes) => signWithDeviceKey(keys.privateKey, bytes),
    randomHex: (bytes) => (++salts).toString(16).padStart(2 * bytes, '0'),
    manifest: async (modelId) => {
      if (modelId !== TOY_MODEL_ID) throw new Error(`the coordinator does not serve ${modelId}`);
      return toyManifest();
    },
    engineBytes: () => change.engineBytes ?? 1_000,
    load: async ({ shape, signal }) => {
      await scene.loadGate;
      signal.throwIfAborted();
      const engine = new ToyAuditEngine(shape);
      engines.push(engine);
      return engine;
    },
    provider: () => ('provider' in change ? change.provider : 'wasm'),
    jobBytes: () => scene.jobBytes,
    wait: (milliseconds, signal) =>
      new Promise((resolve) => {
        timers.push({ milliseconds, ring: resolve });
        signal.addEventListener('abort', () => resolve(), { once: true });
      }),
    changed: (state) => void states.push(state),
  };
  return { auditor: new Auditor(ports), ...scene, scene };
}

type Scene = Awaited<ReturnType<typeof setup>>;

const given = <Type extends (AuditorMessage | PieceMessage)['type']>({ sent }: Pick<Scene, 'sent'>, type: Type, audit = auditAt(1)) =>
  sent.filter((message): message is Extract<AuditorMessage | PieceMessage, { type: Type }> => message.type === type && message.audit === audit);

async function until(done: () => boolean): Promise<void> {
  for (let turns = 0; !done(); turns++) {
    if (turns > 20_000) throw new Error('what the test waits for does not come');
    await turn();
  }
}

/** Plays the coordinator's side of an audit to its end. */
async function audited(scene: Scene, { order, inputs, payloads }: Case): Promise<void> {
  const { auditor } = scene;
  auditor.audit(order);
  for (const part of partsOf(order.audit, 'input', inputs)) auditor.piece(part);
  await until(() => given(scene, 'audit-blind', order.audit).length > 0);
  expect(given(scene, 'piece', order.audit)).toEqual([]);
  auditor.opening(order.audit);
  if (order.sampling !== null) for (const part of partsOf(order.audit, 'payload', payloads)) auditor.piece(part);
  await until(() => given(scene, 'audit-opened', order.audit).length > 0);
}

test.each([0, 1, 2])('A4 to A7: an audit of stage %i is committed to unseen, opens to it, and finds honest work right', async (stage) => {
  const scene = await setup();
  const about = await caseOf(stage);
  await audited(scene, about);
  const [blind] = given(scene, 'audit-blind');
  const [opened] = given(scene, 'audit-opened');
  if (blind === undefined || opened === undefined) throw new Error('both were waited for');
  const { audit, planHash } = about.order;
  expect(blind.engine).toBe('wasm');
  expect(blindCommitment({ network: RING_NETWORK, audit, job: about.order.job, planHash, stage, auditor: AUDITOR, salt: opened.salt, rows: opened.rows })).toBe(blind.commitment);
  expect(await new SignatureVerifier().verify(scene.devicePublicKey, blindBytes(blind.commitment), blind.signature)).toBe(true);
  // Everything that a verdict needs is there before the opening says so.
  expect(scene.sent.at(-1)).toBe(opened);
  const rows = given(scene, 'piece');
  expect(rows.map(({ sha256: hash }) => hash)).toEqual(opened.rows);
  for (const [index, { body, canonHash, hintHash, hints }] of about.units.entries()) {
    const bytes = rows[index]?.bytes ?? new Uint8Array(0);
    const unit = { ...body, canonHash, hintHash, hints: fromBase64(hints), payload: about.payloads[index] ?? bytes, input: about.inputs[index] ?? bytes };
    const last = stage === STAGES - 1;
    const check = checkUnit(unit, new Float32Array(bytes.slice().buffer), { table: calibrationOf(toyManifest()), boundary: last ? TOY.layers + 1 : layersOf(stage, STAGES)[1], last });
    expect(check.finding).toBeNull();
    expect(body.unit).toBe(index);
    expect(body.from).toBe(index * UNIT_POSITIONS);
  }
  const positions = about.order.positions;
  expect(opened.ids).toEqual(stage === STAGES - 1 ? { checked: positions - (PROMPT.length - 1), ambiguous: 0, wrong: [] } : null);
  expect(scene.states.at(-1)).toEqual({ running: null, waiting: 0, done: 1, refused: 0 });
});

test('A7: ids that the auditor\'s own rows do not give are named, and the first sixteen of them only', async () => {
  const scene = await setup();
  const about = await caseOf(2);
  const changed = about.payloads.map((payload) => {
    const bytes = payload.slice();
    const stride = 4 * TOY.hidden + 4;
    for (let row = 0; row * stride < bytes.length; row++) new DataView(bytes.buffer).setUint32(row * stride + 4 * TOY.hidden, 60, true);
    return bytes;
  });
  await audited(scene, { ...about, payloads: changed });
  const ids = given(scene, 'audit-opened')[0]?.ids;
  expect(ids?.checked).toBe(about.order.positions - (PROMPT.length - 1));
  expect(ids?.wrong.length).toBe(16);
  expect(ids?.wrong[0]).toMatchObject({ position: PROMPT.length - 1, id: 60 });
});

test('A4: what comes twice or out of turn changes nothing', async () => {
  const scene = await setup();
  const about = await caseOf(1);
  const { auditor } = scene;
  auditor.opening(about.order.audit);
  auditor.piece([...partsOf(about.order.audit, 'input', about.inputs)][0] as PieceIn);
  auditor.audit(about.order);
  auditor.audit(about.order);
  auditor.opening(about.order.audit);
  for (const part of partsOf(about.order.audit, 'input', about.inputs)) auditor.piece(part);
  await until(() => given(scene, 'audit-blind').length > 0);
  for (const part of partsOf(about.order.audit, 'input', about.inputs)) auditor.piece(part);
  auditor.opening(about.order.audit);
  auditor.opening(about.order.audit);
  for (const part of partsOf(about.order.audit, 'payload', about.payloads)) auditor.piece(part);
  await until(() => given(scene, 'audit-opened').length > 0);
  auditor.opening(about.order.audit);
  for (let turns = 0; turns < 50; turns++) await turn();
  expect(given(scene, 'audit-blind')).toHaveLength(1);
  expect(given(scene, 'audit-opened')).toHaveLength(1);
  expect(given(scene, 'audit-refused')).toEqual([]);
});

test('audits run one at a time in their order; the engine of the same layers is kept, another one replaces it', async () => {
  const scene = await setup();
  const cases = [await caseOf(0, auditAt(1)), await caseOf(0, auditAt(2)), await caseOf(1, auditAt(3))];
  for (const { order, inputs } of cases) {
    scene.auditor.audit(order);
    for (const part of partsOf(order.audit, 'input', inputs)) scene.auditor.piece(part);
  }
  expect(scene.states.at(-1)).toMatchObject({ running: { stage: 0 }, waiting: 2 });
  for (const { order } of cases) {
    await until(() => given(scene, 'audit-blind', order.audit).length > 0);
    expect(scene.sent.filter(({ type }) => type === 'audit-blind')).toHaveLength(cases.findIndex((each) => each.order === order) + 1);
    scene.auditor.opening(order.audit);
    await until(() => given(scene, 'audit-opened', order.audit).length > 0);
  }
  expect(scene.engines).toHaveLength(2);
  expect(scene.engines.map(({ disposed }) => disposed)).toEqual([true, false]);
  // A minute without an audit, and its memory goes back.
  expect(scene.auditor.heldBytes).toBe(1_000);
  await until(() => scene.states.at(-1)?.running === null);
  scene.scene.elapse(60_000);
  await until(() => scene.engines[1]?.disposed === true);
  expect(scene.auditor.heldBytes).toBe(0);
});

test('a bounded number of audits waits; one more is refused, and a cancelled one makes room', async () => {
  const scene = await setup();
  const about = await caseOf(1);
  for (let index = 0; index <= MAX_QUEUED_AUDITS + 1; index++) scene.auditor.audit({ ...about.order, audit: auditAt(index) });
  expect(given(scene, 'audit-refused', auditAt(MAX_QUEUED_AUDITS + 1))).toMatchObject([{ code: 'busy' }]);
  scene.auditor.cancel(auditAt(2));
  scene.auditor.cancel(auditAt(0));
  await until(() => scene.states.at(-1)?.waiting === 1);
  scene.auditor.audit({ ...about.order, audit: auditAt(9) });
  expect(scene.sent).toHaveLength(1);
});

test.each([
  ['unknown-model', {}, { modelId: 'cd'.repeat(32) as HexHash }],
  ['wrong-layers', {}, { layers: [2, 9] as [number, number] }],
  ['wrong-layers', {}, { layers: [2, 6] as [number, number] }],
  ['wrong-layers', {}, { positions: TOY.context + 1 }],
  ['over-memory', { memoryBudgetBytes: 900 }, {}],
  ['over-memory', { jobBytes: 999_500 }, {}],
  ['not-measured', { provider: undefined }, {}],
])('an audit that cannot be done here is refused as %s', async (code, device, change) => {
  const scene = await setup(device);
  const about = await caseOf(1);
  scene.auditor.audit({ ...about.order, ...change });
  await until(() => given(scene, 'audit-refused').length > 0);
  expect(given(scene, 'audit-refused')).toMatchObject([{ code }]);
  expect(scene.engines).toEqual([]);
  expect(scene.auditor.heldBytes).toBe(0);
});

test.each([
  ['another hash', (part: PieceIn) => ({ ...part, sha256: 'cd'.repeat(32) as HexHash })],
  ['other bytes', (part: PieceIn) => ({ ...part, bytes: part.bytes.map((byte) => byte ^ 1) })],
  ['another unit', (part: PieceIn) => ({ ...part, unit: part.unit + 1 })],
  ['another place', (part: PieceIn) => ({ ...part, offset: part.offset + 1 })],
  ['another length', (part: PieceIn) => ({ ...part, total: part.total + 1 })],
  ['another side', (part: PieceIn) => ({ ...part, side: 'payload' as const })],
])('A4: inputs with %s end the audit with a refusal, and nothing is kept of it', async (_what, change) => {
  const scene = await setup();
  const about = await caseOf(1);
  scene.auditor.audit(about.order);
  for (const [index, part] of [...partsOf(about.order.audit, 'input', about.inputs)].entries()) scene.auditor.piece(index === 3 ? change(part) : part);
  await until(() => given(scene, 'audit-refused').length > 0);
  expect(given(scene, 'audit-refused')).toMatchObject([{ code: 'bad-piece' }]);
  expect(given(scene, 'audit-blind')).toEqual([]);
  expect(scene.auditor.heldBytes).toBe(0);
});

test('inputs of the wrong length for their positions are refused before anything is computed', async () => {
  const scene = await setup();
  const about = await caseOf(1);
  scene.auditor.audit(about.order);
  for (const part of partsOf(about.order.audit, 'input', about.inputs.map((piece) => piece.slice(4)))) scene.auditor.piece(part);
  await until(() => given(scene, 'audit-refused').length > 0);
  expect(given(scene, 'audit-refused')).toMatchObject([{ code: 'bad-piece' }]);
  expect(scene.engines[0]?.runs).toBe(0);
});

test('pieces of all audits together stay within their share of the memory', async () => {
  const scene = await setup({ memoryBudgetBytes: 20_000 });
  const about = await caseOf(1);
  // A sixteenth is 1,250 bytes: less than three units of inputs, and than one audit's rows.
  scene.auditor.audit({ ...about.order, positions: 16 });
  scene.auditor.audit({ ...about.order, audit: auditAt(2) });
  for (const part of partsOf(auditAt(2), 'input', about.inputs)) scene.auditor.piece(part);
  await until(() => given(scene, 'audit-refused', auditAt(2)).length > 0);
  expect(given(scene, 'audit-refused', auditAt(2))).toMatchObject([{ code: 'over-memory' }]);
  expect(given(scene, 'audit-refused')).toEqual([]);
});

test('a coordinator that falls silent is not waited for for ever', async () => {
  const scene = await setup();
  const about = await caseOf(1);
  scene.auditor.audit(about.order);
  await until(() => scene.states.at(-1)?.running !== null);
  for (let turns = 0; turns < 20; turns++) await turn();
  // The first wait began before the audit waited for its inputs.
  for (let waits = 0; waits < 2; waits++) {
    scene.scene.elapse(AUDIT_SILENT_MS);
    for (let turns = 0; turns < 20; turns++) await turn();
  }
  expect(given(scene, 'audit-refused')).toMatchObject([{ code: 'timed-out' }]);
  expect(scene.states.at(-1)).toMatchObject({ running: null, refused: 1 });
});

test('a cancelled audit stops without a word, at whatever it is', async () => {
  for (const moment of ['waiting', 'loading', 'blind'] as const) {
    const scene = await setup();
    const about = await caseOf(1);
    let go: () => void = () => undefined;
    if (moment === 'loading') scene.scene.loadGate = new Promise((resolve) => (go = resolve));
    scene.auditor.audit(about.order);
    if (moment !== 'waiting') for (const part of partsOf(about.order.audit, 'input', about.inputs)) scene.auditor.piece(part);
    if (moment === 'blind') await until(() => given(scene, 'audit-blind').length > 0);
    for (let turns = 0; turns < 20; turns++) await turn();
    scene.auditor.cancel(about.order.audit);
    go();
    await until(() => scene.states.at(-1)?.running === null);
    expect(scene.sent.map(({ type }) => type)).toEqual(moment === 'blind' ? ['audit-blind'] : []);
  }
});

test('jobs come first: layers to load refuse every audit until they are loaded, and a job that needs the room gets it', async () => {
  const scene = await setup({ memoryBudgetBytes: 100_000 });
  const about = await caseOf(1);
  scene.auditor.audit(about.order);
  for (const part of partsOf(about.order.audit, 'input', about.inputs)) scene.auditor.piece(part);
  await until(() => given(scene, 'audit-blind').length > 0);
  expect(scene.auditor.bytesBeside(50_000)).toBeGreaterThan(1_000);
  expect(scene.auditor.bytesBeside(99_500)).toBe(0);
  await until(() => given(scene, 'audit-refused').length > 0);
  expect(given(scene, 'audit-refused')).toMatchObject([{ code: 'over-memory' }]);
  await until(() => scene.engines[0]?.disposed === true);
  scene.auditor.makeWay();
  scene.auditor.audit({ ...about.order, audit: auditAt(2) });
  expect(given(scene, 'audit-refused', auditAt(2))).toMatchObject([{ code: 'placed' }]);
  scene.auditor.accept();
  await audited(scene, { ...about, order: { ...about.order, audit: auditAt(3) } });
});

test('an engine that is only kept warm goes when a job needs its memory; nobody is refused', async () => {
  const scene = await setup({ memoryBudgetBytes: 100_000 });
  await audited(scene, await caseOf(1));
  await until(() => scene.states.at(-1)?.running === null);
  expect(scene.auditor.bytesBeside(98_000)).toBe(1_000);
  expect(scene.auditor.bytesBeside(99_500)).toBe(0);
  expect(scene.engines[0]?.disposed).toBe(true);
  expect(given(scene, 'audit-refused')).toEqual([]);
});
