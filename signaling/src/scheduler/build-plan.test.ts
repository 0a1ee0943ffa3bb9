import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { buildPlan, idBytes, idsHash } from './build-plan.ts';
import { FakeWorkers, MODEL_ID, orderOf } from './workers.fixture.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { JobOrder } from './job-order.ts';

const NONCE = '5e'.repeat(32) as HexHash;
const workers = new FakeWorkers();
workers.join(1);
workers.join(2);
const stages = workers.workers().map((worker, stage) => ({ worker, layers: [stage * 3, stage * 3 + 3] as const, nonce: stage === 0 ? NONCE : null }));
const build = (change: Partial<JobOrder> = {}) => buildPlan(orderOf(1, change), stages, { network: 'ciro-test', version: 1, nonce: new Uint8Array(32) });

it('P1: a plan names model, workers, device keys, layers and the hash of the prompt ids', () => {
  const plan = build();
  expect(plan).toMatchObject({ format: 2, modelId: MODEL_ID, version: 1, promptTokens: 3, maxTokens: 4, stages: workers.workers().map(({ nodeId, devicePublicKey }, stage) => ({ worker: nodeId, devicePublicKey, layers: [stage * 3, stage * 3 + 3] })) });
  expect(plan.promptHash).toBe(createHash('sha256').update(Uint8Array.of(5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0)).digest('hex'));
});

it('V10: a plan says which of its prompt ids were drawn, if any were; not those behind its end', () => {
  expect([build().drawnFrom, build({ drawnFrom: 2 }).drawnFrom]).toEqual([undefined, 2]);
  for (const drawnFrom of [0, 3, -1, 1.5]) expect(() => build({ drawnFrom })).toThrow('makes no plan');
});

it('the plan commits to the coordinator nonce that the record opens', () => {
  expect(build().nonces.coordinator).toBe(createHash('sha256').update(new Uint8Array(32)).digest('hex'));
});

it('A1: the plan names the nonce commitments of workers and requester, null for those that gave none', () => {
  expect(build().stages.map(({ nonce }) => nonce)).toEqual([NONCE, null]);
  expect(build().nonces.requester).toBeNull();
  expect(build({ requesterNonce: NONCE }).nonces.requester).toBe(NONCE);
});

it('ids are little-endian 32-bit words, the highest included', () => {
  expect([...idBytes([1, 0xffff_ffff])]).toEqual([1, 0, 0, 0, 255, 255, 255, 255]);
  expect(idsHash([])).toBe(createHash('sha256').digest('hex'));
});

it.each([
  ['an empty prompt', { promptIds: new Uint32Array(0) }, 'promptTokens'],
  ['no tokens to answer', { maxTokens: 0 }, 'maxTokens'],
  ['a temperature out of range', { sampler: { ...orderOf(1).sampler, temperature: 3 } }, 'sampler.temperature'],
  ['an amount that is no whole number', { quote: { ...orderOf(1).quote, hold: '1.5' } }, 'quote.hold'],
])('an order with %s makes no plan, and the field is named', (_, change, field) => {
  expect(() => build(change)).toThrow(expect.objectContaining({ code: 'bad-order', message: expect.stringContaining(field) }));
});
