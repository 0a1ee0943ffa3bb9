import { encodeFrame, type FrameKind } from '@ciro/core/protocol/frame.ts';
import { describe, expect, it } from 'vitest';
import { WorkMeter } from './work-meter.ts';
import type { HexHash, JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobPlan } from '@ciro/core/job/plan.ts';
import type { ReceiptBody } from '@ciro/core/receipt/receipt.ts';

const JOB = 'ab'.repeat(16) as JobId;
const HASH = 'cd'.repeat(32) as HexHash;
const stageOf = (digit: string, layers: [number, number]) => ({ worker: digit.repeat(40) as NodeId, devicePublicKey: `04${'0'.repeat(128)}`, layers, nonce: null });

/** Prompt of 20 tokens over two stages. */
const PLAN: JobPlan = {
  format: 2,
  network: 'test',
  job: JOB,
  version: 1,
  modelId: HASH,
  precision: 'f32',
  stages: [stageOf('a', [0, 10]), stageOf('b', [10, 30])],
  sampler: { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
  promptHash: HASH,
  promptTokens: 20,
  maxTokens: 40,
  stopIds: [2],
  quote: { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '180' },
  nonces: { coordinator: HASH, requester: null },
};

const frameAt = (position: number, count: number, kind: FrameKind = 'rows', job: JobId = JOB) => encodeFrame({ kind, job, planVersion: 1, position, count, acceptedTo: position, stage: 0, payload: new Uint8Array(count * 4) });
const unitOf = (unit: number, from: number, to: number): ReceiptBody => ({ network: 'test', job: JOB, planHash: HASH, stage: 0, worker: 'a'.repeat(40) as NodeId, unit, from, to, inputHash: HASH, payloadHash: HASH, linkHash: HASH });

describe('WorkMeter', () => {
  it('counts a token for each row that carries one: the last of the prompt, then each of the answer', () => {
    const meter = new WorkMeter();
    meter.began(PLAN, 0);
    meter.frameLeft(frameAt(0, 16), 0);
    expect(meter.totals.tokens).toBe(0);
    meter.frameLeft(frameAt(16, 4), 10);
    expect(meter.totals.tokens).toBe(1);
    for (let position = 20; position < 30; position++) meter.frameLeft(frameAt(position, 1), 20 + position);
    expect(meter.totals.tokens).toBe(11);
  });

  it('counts what the last stage samples, and not its frames as well', () => {
    const meter = new WorkMeter();
    meter.began(PLAN, 1);
    meter.sampled(JOB, 0);
    meter.frameLeft(frameAt(20, 1, 'ids'), 0);
    meter.frameLeft(frameAt(20, 1), 0);
    expect(meter.totals.tokens).toBe(1);
  });

  it('ignores jobs that it does not know', () => {
    const meter = new WorkMeter();
    meter.frameLeft(frameAt(20, 1), 0);
    meter.sampled(JOB, 0);
    expect(meter.ended(JOB, true)).toBeUndefined();
    expect(meter.totals).toEqual({ jobs: 0, tokens: 0, positions: 0, units: 0 });
  });

  it('gives the work of a job at its end, and once more with the last unit, but counts the job once', () => {
    const meter = new WorkMeter();
    meter.began(PLAN, 0);
    meter.unitClosed(unitOf(0, 0, 16));
    expect(meter.ended(JOB, false)).toMatchObject({ job: JOB, stage: 0, stages: 2, layers: [0, 10], positions: 16, units: 1 });
    meter.unitClosed(unitOf(1, 16, 25));
    expect(meter.ended(JOB, true)).toMatchObject({ positions: 25, units: 2 });
    expect(meter.totals).toMatchObject({ jobs: 1, positions: 25, units: 2 });
  });

  it('measures the live rate over the last seconds and falls to 0 afterwards', () => {
    const meter = new WorkMeter();
    meter.began(PLAN, 1);
    for (let now = 0; now <= 4_000; now += 50) meter.sampled(JOB, now);
    expect(meter.tokensPerSecond(4_000)).toBeCloseTo(20, 0);
    expect(meter.tokensPerSecond(20_000)).toBe(0);
  });
});
