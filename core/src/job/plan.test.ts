import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { utf8 } from '../bytes.ts';
import { JobPlan, planBytes, planHashOf, positionsOf } from './plan.ts';
import type { NodeId } from '../ids.ts';

const SEED = 20_264;
const hash = 'a1'.repeat(32);
const nodeId = (n: number): NodeId => n.toString(16).padStart(40, '0') as NodeId;
const stage = (worker: number, from: number, to: number) => ({ worker: nodeId(worker), devicePublicKey: `04${'b2'.repeat(64)}`, layers: [from, to], nonce: hash });
const fields = {
  format: 2,
  network: 'ciro-test',
  job: 'c3'.repeat(16),
  version: 1,
  modelId: hash,
  precision: 'f32',
  stages: [stage(1, 0, 10), stage(2, 10, 20), stage(3, 20, 30)],
  sampler: { temperature: 0.5, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1 },
  promptHash: hash,
  promptTokens: 7,
  maxTokens: 20,
  stopIds: [2],
  quote: { promptToken: '1', generatedToken: '4', feeBasisPoints: '250', hold: '87' },
  nonces: { coordinator: hash, requester: null },
};
const plan = v.parse(JobPlan, fields);

it('P1: a plan is signed and hashed over its domain and canonical JSON, whatever the order of its keys', () => {
  const bytes = planBytes(plan);
  expect([...bytes.subarray(0, 12)]).toEqual([...utf8('ciro/plan/1'), 0]);
  const reversed = v.parse(JobPlan, Object.fromEntries(Object.entries(fields).toReversed()));
  expect(planBytes(reversed)).toEqual(bytes);
  // By Python: sha256(b'ciro/plan/1\0' + json.dumps(plan, sort_keys=True, separators=(',', ':')).encode()).
  expect(planHashOf(plan)).toBe('0b7545df5670c0fc38769d3a9339f978698fbaef773f3018a94cc38fa51af65c');
});

it('P1: any change of a plan changes its hash', () => {
  const changes: Partial<Record<keyof typeof fields, unknown>> = { network: 'other', job: 'd3'.repeat(16), version: 2, modelId: 'ff'.repeat(32), stages: [stage(1, 0, 11), stage(2, 11, 20), stage(3, 20, 30)], sampler: { ...fields.sampler, seed: 2 }, promptHash: 'ee'.repeat(32), promptTokens: 8, maxTokens: 21, stopIds: [], quote: { ...fields.quote, hold: '88' }, nonces: { coordinator: 'dd'.repeat(32), requester: null } };
  const hashes = Object.entries(changes).map(([key, value]) => planHashOf(v.parse(JobPlan, { ...fields, [key]: value })));
  expect(new Set([...hashes, planHashOf(plan)]).size).toBe(hashes.length + 1);
});

it('A1: a plan names a nonce of every party, and says where one gave none', () => {
  const without = { ...stage(1, 0, 30), nonce: null };
  expect(v.is(JobPlan, { ...fields, stages: [without], nonces: { coordinator: hash, requester: hash } })).toBe(true);
  const { nonce: _nonce, ...unnamed } = without;
  expect(v.is(JobPlan, { ...fields, stages: [unnamed] })).toBe(false);
  expect(v.is(JobPlan, { ...fields, nonces: { coordinator: hash } })).toBe(false);
  expect(v.is(JobPlan, { ...fields, nonces: { coordinator: null, requester: null } })).toBe(false);
  const hashes = [{ nonces: { coordinator: hash, requester: hash } }, { stages: [without] }, { stages: [{ ...without, nonce: hash }] }].map((change) => planHashOf(v.parse(JobPlan, { ...fields, ...change })));
  expect(new Set([...hashes, planHashOf(plan)]).size).toBe(4);
});

it.each([
  ['a gap between stages', { stages: [stage(1, 0, 10), stage(2, 11, 30)] }, 'without a gap'],
  ['layers held twice', { stages: [stage(1, 0, 10), stage(2, 9, 30)] }, 'without a gap'],
  ['a first stage that does not begin at layer 0', { stages: [stage(1, 1, 30)] }, 'without a gap'],
  ['stages out of order', { stages: [stage(2, 10, 30), stage(1, 0, 10)] }, 'without a gap'],
  ['a stage of no layers', { stages: [stage(1, 0, 10), stage(2, 10, 10)] }, 'at least one layer'],
  ['a worker in two stages', { stages: [stage(1, 0, 10), stage(2, 10, 20), stage(1, 20, 30)] }, 'one stage of a plan'],
  ['no stages', { stages: [] }, 'stages'],
  ['an amount that is no whole number', { quote: { ...fields.quote, hold: '1.5' } }, 'base units'],
  ['an amount with a leading zero', { quote: { ...fields.quote, hold: '01' } }, 'base units'],
  ['an empty prompt', { promptTokens: 0 }, 'promptTokens'],
  ['an empty answer', { maxTokens: 0 }, 'maxTokens'],
  ['the format before nonces', { format: 1 }, 'format'],
  ['a nonce that is no hash', { stages: [{ ...stage(1, 0, 30), nonce: 'ab' }] }, 'nonce'],
  ['version 0', { version: 0 }, 'version'],
  ['another precision', { precision: 'f16' }, 'precision'],
  ['a field that is not known', { note: 'x' }, 'note'],
])('P1: %s makes no plan', (_, change, words) => {
  const result = v.safeParse(JobPlan, { ...fields, ...change });
  expect(result.success).toBe(false);
  expect(result.issues?.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`).join()).toContain(words);
});

it('P1: exactly the cuts that cover the layers in order make a plan', () => {
  const cuts = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(cuts, cuts, (froms, lengths) => {
      const stages = froms.map((from, index) => stage(index, from, from + (lengths[index] ?? 1)));
      const covers = stages.every(({ layers: [from = 0, to = 0] }, index) => from < to && from === (stages[index - 1]?.layers[1] ?? 0));
      expect(v.is(JobPlan, { ...fields, stages })).toBe(covers);
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

it('P3: a stage needs room for all positions but that of the last sampled id', () => {
  expect(positionsOf(plan)).toBe(7 + 20 - 1);
});
