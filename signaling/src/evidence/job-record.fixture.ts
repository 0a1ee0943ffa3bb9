import { planHashOf } from '@ciro/core/job/plan.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan, PlanStage } from '@ciro/core/job/plan.ts';
import type { JobRecord, StageRecord, UnitRecord } from '../scheduler/job-order.ts';

const hash = (digit: string): HexHash => digit.repeat(64) as HexHash;
const SIGNATURE = 'ab'.repeat(64);

/** What a test wants of a record; the rest is made up but of the right form. */
export interface RecordWish {
  readonly job: JobId;
  readonly modelId?: HexHash;
  readonly network?: string;
  readonly workers?: readonly NodeId[];
  readonly promptIds?: readonly number[];
  readonly tokenIds?: readonly number[];
  readonly maxTokens?: number;
  readonly finish?: JobRecord['finish'];
  readonly quote?: JobPlan['quote'];
  readonly sampler?: JobPlan['sampler'];
}

export const workerId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;

/** A record as the scheduler gives it, for tests of what comes after: three stages of ten layers, one unit each, all in order. */
export function makeRecord(wish: RecordWish): JobRecord {
  const workers = wish.workers ?? [workerId(1), workerId(2), workerId(3)];
  const promptIds = wish.promptIds ?? [1, 2, 3];
  const tokenIds = wish.tokenIds ?? [4, 5];
  const positions = promptIds.length + tokenIds.length - 1;
  const plan: JobPlan = {
    format: 2,
    network: wish.network ?? 'ciro-test',
    job: wish.job,
    version: 1,
    modelId: wish.modelId ?? hash('5'),
    precision: 'f32',
    stages: workers.map((worker, index): PlanStage => ({ worker, devicePublicKey: `04${'cd'.repeat(64)}`, layers: [index * 10, index * 10 + 10], nonce: hash('9') })),
    sampler: wish.sampler ?? { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
    promptHash: hash('6'),
    promptTokens: promptIds.length,
    maxTokens: wish.maxTokens ?? tokenIds.length,
    stopIds: [2],
    quote: wish.quote ?? { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '100' },
    nonces: { coordinator: hash('7'), requester: null },
  };
  const planHash = planHashOf(plan);
  const stages = workers.map((worker, stage): StageRecord => ({
    worker,
    layers: [stage * 10, stage * 10 + 10],
    link: workers.length === 1 ? 'none' : 'direct',
    units: [makeUnit(plan, planHash, stage, positions)],
    paidPositions: positions,
    root: { root: '0x1', signature: SIGNATURE, salts: ['0f'.repeat(16)] },
    stats: { engine: 'wasm', decodeMs: { p50: 7.5, p95: 9 }, commitMs: { p50: 0.1, p95: 0.2 }, unitMs: { p50: 1, p95: 2 }, lapMs: { p50: 30, p95: 40 }, peakMemoryBytes: 1_000_000 },
  }));
  return {
    signed: { plan, signature: SIGNATURE },
    planHash,
    coordinatorNonce: '0a'.repeat(32),
    promptIds,
    tokenIds,
    surplusIds: [],
    finish: wish.finish ?? 'length',
    stages,
    disagreements: [],
    ttftMs: 400.25,
    tokensPerSecond: 30.5,
  };
}

function makeUnit(plan: JobPlan, planHash: HexHash, stage: number, to: number): UnitRecord {
  const worker = plan.stages[stage]?.worker ?? workerId(0);
  const signer = plan.stages[(stage + 1) % plan.stages.length]?.worker ?? 'coordinator';
  const body = { network: plan.network, job: plan.job, planHash, stage, worker, unit: 0, from: 0, to, inputHash: hash('1'), payloadHash: hash('2'), linkHash: hash('2') };
  return {
    receipt: { body, signature: SIGNATURE },
    receiptValid: true,
    canonHash: hash('3'),
    hintHash: hash('4'),
    hintBytes: 1,
    hints: 'AA==',
    acknowledgement: { receiptHash: hash('8'), signer: plan.stages.length === 1 ? 'coordinator' : signer, signature: SIGNATURE },
    acknowledgementValid: true,
  };
}
