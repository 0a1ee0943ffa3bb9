import { sha256 } from '@noble/hashes/sha2.js';
import { Encoder } from 'socket.io-msgpack-parser';
import { expect, it } from 'vitest';
import { encodeHints } from '@ciro/core/commitment/hints.ts';
import { NO_ID, UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { identityPublicKey, nodeIdOf, signJobRoot } from '@ciro/core/identity/identity.ts';
import { planHashOf } from '@ciro/core/job/plan.ts';
import { MAX_CONTROL_BYTES } from '@ciro/core/protocol/limits.ts';
import { parseWorkerMessage } from '@ciro/core/protocol/parse.ts';
import { generateCoordinatorKey } from '@ciro/signaling/keys/coordinator-key.ts';
import { buildPlan } from '@ciro/signaling/scheduler/build-plan.ts';
import { JobEvidence } from '@ciro/signaling/scheduler/job-evidence.ts';
import { buildRecord } from '@ciro/signaling/scheduler/job-record.ts';
import { FakeWorkers, orderOf } from '@ciro/signaling/scheduler/workers.fixture.ts';
import type { UnitBytes } from '@ciro/core/commitment/unit-hashes.ts';
import type { StageMessage } from '../../web/src/pipeline/stage-ports.ts';
import { UnitEvidence } from '../../web/src/pipeline/unit-evidence.ts';

const CHANNELS = 576;
const UNITS = 640;
const POSITIONS = UNITS * UNIT_POSITIONS;
const IDENTITY = '0x7';

/** Hints as honest rows give them: one element in 32 lies near an edge. */
const honestHints = (unit: number): Uint8Array => {
  const flags = Uint32Array.from({ length: (UNIT_POSITIONS * CHANNELS) / 32 }, (_, index) => 2 * (32 * index + ((7 * index + unit) % 32)) + (index % 2));
  return encodeHints(flags, flags.length);
};
const bytesOfWire = (message: StageMessage): number => {
  const [bytes] = new Encoder().encode({ type: 2, nsp: '/', data: ['m', message], options: {} });
  return bytes.byteLength;
};

it(`K4, T2: a stage of ${POSITIONS} positions at d = ${CHANNELS} posts a root that the coordinator takes, in messages it takes`, async () => {
  const key = await generateCoordinatorKey();
  const device = await generateCoordinatorKey();
  const pool = new FakeWorkers();
  const open = identityPublicKey(IDENTITY);
  const nodeId = nodeIdOf(open);
  pool.join(1, {}, { nodeId, identityPublicKey: open, devicePublicKey: device.publicKey });
  const workers = pool.workers();
  // All but one position is prompt: its one sampled id follows the last position.
  const order = orderOf(1, { promptIds: new Uint32Array(POSITIONS).fill(3), maxTokens: 1 });
  const plan = buildPlan(order, workers.map((worker) => ({ worker, layers: [0, 30] as const })), { network: 'ciro-test', version: 1, nonce: new Uint8Array(32) });
  const planHash = planHashOf(plan);
  const sampled = 11;

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
      salt: () => (++salts).toString(16).padStart(32, '0'),
      turn: async () => undefined,
    },
    { measured: (task) => task(), failed: (error) => void failures.push(error) },
  );
  const units = Array.from({ length: UNITS }, (_, unit): UnitBytes => {
    const following = new Uint32Array(UNIT_POSITIONS).fill(NO_ID);
    if (unit === UNITS - 1) following[UNIT_POSITIONS - 1] = sampled;
    const some = Uint8Array.of(unit & 255, unit >> 8);
    return { unit, from: unit * UNIT_POSITIONS, to: (unit + 1) * UNIT_POSITIONS, input: some, payload: some, cells: some, hints: honestHints(unit), link: new Uint8Array(following.buffer) };
  });
  const none = { p50: 0, p95: 0 };
  await stage.finish(units, () => ({ engine: 'wasm', decodeMs: none, commitMs: none, unitMs: none, lapMs: none, peakMemoryBytes: 0 }));
  expect(failures).toEqual([]);

  const evidence = new JobEvidence(plan, planHash);
  for (const message of sent) {
    expect(bytesOfWire(message), message.type).toBeLessThanOrEqual(MAX_CONTROL_BYTES);
    const taken = parseWorkerMessage(message);
    if (taken.type === 'unit') expect(evidence.unit(0, taken)).toBeUndefined();
    else if (taken.type === 'root') expect(evidence.root(0, taken)).toBeUndefined();
    else throw new Error(`${taken.type} was sent`);
  }
  const input = { signed: { plan, signature: 'ab'.repeat(64) }, planHash, coordinatorNonce: '00'.repeat(32), promptIds: order.promptIds, generated: [sampled], surplus: [], acceptedTo: POSITIONS, finish: 'length' as const, pace: { ttftMs: 1, tokensPerSecond: 0 }, evidence, workers, links: ['none' as const] };
  const { record, forgeries } = await buildRecord(input, key);
  expect(forgeries).toEqual([]);
  expect(record.stages).toMatchObject([{ paidPositions: POSITIONS, root: { root: expect.stringMatching(/^0x/) } }]);
});
