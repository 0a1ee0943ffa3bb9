import { expect, it } from 'vitest';
import { makeRecord, workerId } from '../evidence/job-record.fixture.ts';
import { correctionOf, faultOf } from './correction.ts';
import type { HexHash, JobId } from '@ciro/core/ids.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { StageOutcome } from './ports.ts';

const job = '1'.repeat(32) as JobId;
const next = '2'.repeat(32) as JobId;
const SAMPLER = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 7 };
/** Twenty prompt ids; answer id n is 100 + n and was drawn at position 19 + n. */
const PROMPT = Array.from({ length: 20 }, (_, n) => n);
const ANSWER = Array.from({ length: 40 }, (_, n) => 100 + n);

const order = (change: Partial<JobOrder> = {}): JobOrder => ({
  job, account: 'ada', modelId: '5'.repeat(64) as HexHash, promptIds: Uint32Array.from(PROMPT), sampler: SAMPLER, maxTokens: 50, stopIds: [2],
  quote: { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '220' }, requesterNonce: 'a'.repeat(64) as HexHash, exclude: [], goesOn: true, continues: null, ...change,
});
const record = makeRecord({ job, promptIds: PROMPT, tokenIds: ANSWER });
const outcome = (...stages: (StageOutcome | [StageOutcome, number])[]) => ({
  stages: stages.map((stage) => (typeof stage === 'string' ? { status: stage, firstBadPosition: null } : { status: stage[0], firstBadPosition: stage[1] })),
});

it('passed, passed by and, in a stream, unpaid stages are no fault; the earliest bad unit of several is where it begins', () => {
  expect(faultOf(record, outcome('passed', 'passed by', 'unpaid'), 'stream')).toBeUndefined();
  expect(faultOf(record, outcome(['failed', 48], 'passed', ['failed', 32]), 'stream')).toEqual({ firstBadPosition: 32, workers: [workerId(1), workerId(3)] });
});

it('for a checked answer a stage that was not decided is passed over, and nothing of its answer is kept', () => {
  expect(faultOf(record, outcome('passed', 'unpaid', 'passed'), 'checked')).toEqual({ firstBadPosition: 0, workers: [workerId(2)] });
});

it('ids drawn before the first bad unit stay as prompt, at the same rates; those that workers got wrong are excluded', () => {
  const again = correctionOf(order({ exclude: [workerId(9)] }), record, { firstBadPosition: 48, workers: [workerId(2), workerId(9)] }, next);
  // Positions 19 to 47 drew ids 0 to 28.
  expect([...again.promptIds]).toEqual([...PROMPT, ...ANSWER.slice(0, 29)]);
  expect(again).toMatchObject({ job: next, maxTokens: 21, sampler: SAMPLER, stopIds: [2], requesterNonce: null, exclude: [workerId(9), workerId(2)] });
  expect(again.quote).toEqual({ promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: String(49 + 4 * 21) });
});

it('a bad unit in the prompt keeps nothing, and one past the answer keeps all but the last id', () => {
  expect([...correctionOf(order(), record, { firstBadPosition: 16, workers: [] }, next).promptIds]).toEqual(PROMPT);
  expect([...correctionOf(order(), record, { firstBadPosition: 19, workers: [] }, next).promptIds]).toEqual(PROMPT);
  expect([...correctionOf(order(), record, { firstBadPosition: 20, workers: [] }, next).promptIds]).toEqual([...PROMPT, 100]);
  expect(correctionOf(order(), record, { firstBadPosition: 10_000, workers: [] }, next)).toMatchObject({ maxTokens: 50 - 39 });
});

it('with a repetition penalty it begins at the prompt: the penalty is over what one plan generated', () => {
  const sampler = { ...SAMPLER, repetitionPenalty: 1.1 };
  const again = correctionOf(order({ sampler }), record, { firstBadPosition: 48, workers: [] }, next);
  expect([...again.promptIds]).toEqual(PROMPT);
  expect(again.maxTokens).toBe(50);
});
