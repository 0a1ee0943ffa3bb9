import { sha256 } from '@noble/hashes/sha2.js';
import { Encoder } from 'socket.io-msgpack-parser';
import { expect, it } from 'vitest';
import { encodeHints } from '@ciro/core/commitment/hints.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { identityPublicKey, nodeIdOf, signJobRoot } from '@ciro/core/identity/identity.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { MAX_CONTROL_BYTES, MAX_JOB_UNITS, MAX_UNIT_HINT_BYTES, MAX_UNIT_HINT_CHARACTERS } from '@ciro/core/protocol/limits.ts';
import { parseWorkerMessage } from '@ciro/core/protocol/parse.ts';
import { generateCoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import { buildPlan } from '@ciro/signaling/scheduler/build-plan.ts';
import { JobEvidence } from '@ciro/signaling/scheduler/job-evidence.ts';
import { buildRecord } from '@ciro/signaling/scheduler/job-record.ts';
import { FakeWorkers, orderOf } from '@ciro/signaling/scheduler/workers.fixture.ts';
import { UnitEvidence } from '@ciro/web/pipeline/unit-evidence.ts';
import type { UnitBytes } from '@ciro/core/commitment/unit-hashes.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { StageMessage } from '@ciro/web/pipeline/stage-ports.ts';

const CHANNELS = 576;
const UNITS = 640;
const POSITIONS = UNITS * UNIT_POSITIONS;
const IDENTITY = '0x7';
const SAMPLED = 11;

/** Hints as honest rows give them: one element in 32 lies near an edge. */
const honestHints = (unit: number, channels = CHANNELS): Uint8Array => {
  const flags = Uint32Array.from({ length: (UNIT_POSITIONS * channels) / 32 }, (_, index) => 2 * (32 * index + ((7 * index + unit) % 32)) + (index % 2));
  return encodeHints(flags, flags.length);
};
/** Bytes of a message as the socket carries it. */
const bytesOfWire = (message: StageMessage): number => {
  // The package's types say one buffer; it gives a list of them.
  const packets: unknown = new Encoder().encode({ type: 2, nsp: '/', data: ['m', message] });
  const first: unknown = Array.isArray(packets) ? packets[0] : undefined;
  if (!(first instanceof Uint8Array)) throw new TypeError('the parser gave no bytes');
  return first.byteLength;
};

/** A planned job of one stage and the stage's own evidence of it; what that says is kept. All but one position is prompt: its one sampled id follows the last. */
async function setup() {
  const [key, device] = [await generateCoordinatorKey(), await generateCoordinatorKey()];
  const pool = new FakeWorkers();
  const open = identityPublicKey(IDENTITY);
  const nodeId = nodeIdOf(open);
  pool.join(1, {}, { nodeId, identityPublicKey: open, devicePublicKey: device.publicKey });
  const workers = pool.workers();
  const order = orderOf(1, { promptIds: new Uint32Array(POSITIONS).fill(3), maxTokens: 1 });
  const plan = buildPlan(order, workers.map((worker) => ({ worker, layers: [0, 30] as const, nonce: null })), { network: 'ciro-test', version: 1, nonce: new Uint8Array(32) });
  const planHash = planHashOf(plan);
  const sent: StageMessage[] = [];
  const failures: unknown[] = [];
  let salts = 0;
  const stage = new UnitEvidence(
    { plan, planHash, stage: 0, isFirst: true, positions: POSITIONS, upstream: undefined, downstream: undefined, linkBytes: () => undefined },
    { network: 'ciro-test', nodeId, devicePublicKey: device.publicKey, coordinatorPublicKey: key.publicKey, memoryBudgetBytes: 1e9 },
    {
      send: (message) => void sent.push(message),
      sendFrame: () => false,
      digest: async (bytes) => sha256(bytes),
      sign: (bytes) => device.sign(bytes),
      verify: async () => false,
      signRoot: async (root) => signJobRoot(root, IDENTITY),
      randomHex: (bytes) => (++salts).toString(16).padStart(2 * bytes, '0'),
      turn: async () => undefined,
      credit: { planned: () => undefined, committed: () => undefined, acknowledged: () => undefined, finished: () => undefined },
    },
    { measured: (task) => task(), failed: (error) => void failures.push(error), rooted: () => undefined },
  );
  return { key, workers, order, plan, planHash, stage, sent, failures };
}

function unitBytes(unit: number, hints: Uint8Array): UnitBytes {
  const following = new Uint32Array(UNIT_POSITIONS).fill(NO_ID);
  if (unit === UNITS - 1) following[UNIT_POSITIONS - 1] = SAMPLED;
  const some = Uint8Array.of(unit & 255, unit >> 8);
  return { unit, from: unit * UNIT_POSITIONS, to: (unit + 1) * UNIT_POSITIONS, input: some, payload: some, cells: some, hints, link: new Uint8Array(following.buffer) };
}
const none = { p50: 0, p95: 0 };
const noStats = () => ({ engine: 'wasm' as const, decodeMs: none, commitMs: none, unitMs: none, lapMs: none, peakMemoryBytes: 0 });

it(`K4, T2, U5: a stage of ${POSITIONS} positions at d = ${CHANNELS} posts a root that the coordinator takes, in messages it takes`, async () => {
  const { key, workers, order, plan, planHash, stage, sent, failures } = await setup();
  await stage.finish(Array.from({ length: UNITS }, (_, unit) => unitBytes(unit, honestHints(unit))), noStats);
  expect(failures).toEqual([]);

  const evidence = new JobEvidence(plan, planHash);
  for (const message of sent) {
    expect(bytesOfWire(message), message.type).toBeLessThanOrEqual(MAX_CONTROL_BYTES);
    const taken = parseWorkerMessage(message);
    if (taken.type === 'unit') expect(evidence.unit(0, taken)).toBeUndefined();
    else if (taken.type === 'root') expect(evidence.root(0, taken)).toBeUndefined();
    else throw new Error(`${taken.type} was sent`);
  }
  const input = { signed: { plan, signature: 'ab'.repeat(64) }, planHash, coordinatorNonce: '00'.repeat(32), promptIds: order.promptIds, generated: [SAMPLED], surplus: [], acceptedTo: POSITIONS, finish: 'length' as const, pace: { ttftMs: 1, tokensPerSecond: 0 }, evidence, workers, links: ['none' as const] };
  const { record, forgeries } = await buildRecord(input, key);
  expect(forgeries).toEqual([]);
  expect(record.stages).toMatchObject([{ paidPositions: POSITIONS, root: { root: expect.stringMatching(/^0x/) } }]);
});

it('U5: a unit with more hints than may be sent fails its stage by name and is not sent', async () => {
  const { stage, sent, failures } = await setup();
  stage.close([unitBytes(0, new Uint8Array(MAX_UNIT_HINT_BYTES)), unitBytes(1, new Uint8Array(MAX_UNIT_HINT_BYTES + 1))]);
  await stage.finish([], noStats);
  expect(failures).toEqual([expect.objectContaining({ code: 'stage-failed', message: expect.stringContaining(`${MAX_UNIT_HINT_BYTES + 1} bytes of hints`) })]);
  expect(sent).toMatchObject([{ type: 'unit', receipt: { body: { unit: 0 } } }, { type: 'root', salts: { length: 1 } }]);
});

it('U5: the longest root and the largest unit that are well-formed fit in one control message', () => {
  const [hash, signature] = ['ab'.repeat(32) as HexHash, 'ab'.repeat(64)];
  const job = 'ab'.repeat(16) as JobId;
  const [high, time] = [Number.MAX_SAFE_INTEGER, { p50: 1e9 - 0.1, p95: 1e9 - 0.1 }];
  const body = { network: 'n'.repeat(64), job, planHash: hash, stage: high, worker: 'ab'.repeat(20) as NodeId, unit: high, from: high, to: high, inputHash: hash, payloadHash: hash, linkHash: hash };
  const stats = { engine: 'webgpu' as const, decodeMs: time, commitMs: time, unitMs: time, lapMs: time, peakMemoryBytes: high };
  const largest: StageMessage[] = [
    { type: 'root', job, planHash: hash, stage: high, root: `0x${hash}`, signature, salts: new Array<string>(MAX_JOB_UNITS).fill('ab'.repeat(16)), stats },
    { type: 'unit', receipt: { body, signature }, canonHash: hash, hintHash: hash, hints: 'A'.repeat(MAX_UNIT_HINT_CHARACTERS) },
  ];
  for (const message of largest) {
    expect(parseWorkerMessage(message)).toEqual(message);
    expect(bytesOfWire(message), message.type).toBeLessThanOrEqual(MAX_CONTROL_BYTES);
  }
  // Every element flagged, at the widest row that is promised to fit whatever its values.
  const flags = Uint32Array.from({ length: UNIT_POSITIONS * 5_461 }, (_, element) => 2 * element + 1);
  expect(encodeHints(flags, flags.length).length).toBeLessThanOrEqual(MAX_UNIT_HINT_BYTES);
  expect(8 * honestHints(0, 16_384).length).toBeLessThanOrEqual(MAX_UNIT_HINT_BYTES);
});
