import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planHashOf } from '@ciro/core/job/plan.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import { buildPlan, idBytes } from './build-plan.ts';
import { JobMachine } from './job-machine.ts';
import { FakeWorkers, jobId, nodeId, orderOf } from './workers.fixture.ts';
import type { JobMessage, JobOutput } from './job-machine.ts';

const SEED = 20_266;
const hash = 'a1'.repeat(32) as HexHash;
/** SHA-256 of one zero byte: hints without a flag. */
const HINT_HASH = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d' as HexHash;
const signature = 'ab'.repeat(64);
const none = { p50: 0, p95: 0 };

const workers = new FakeWorkers();
for (let n = 0; n < 3; n++) workers.join(n);
const order = orderOf(1, { maxTokens: 20 });
const plan = buildPlan(order, workers.workers().map((worker, stage) => ({ worker, layers: [stage * 2, stage * 2 + 2] as const, nonce: null })), { network: 'ciro-test', version: 1, nonce: new Uint8Array(32) });
const planHash = planHashOf(plan);

type Step = { readonly id: number } | { readonly from: number; readonly message: JobMessage } | { readonly lost: number } | { readonly link: number } | { readonly stop: 'stop' | 'cancelled' } | { readonly wait: number };

/** Messages that are mostly near the truth, in any order, from any worker. */
const job = fc.constant(jobId(1));
const version = fc.constantFrom(1, 1, 1, 2);
const stage = fc.nat(3);
const count = fc.constantFrom(0, 1, 2, 3, 4, 5, 16, 22, 32);
const receipt = fc.record({ stage: fc.nat(2), unit: fc.nat(2), from: count, to: count }).map((body) => ({ body: { network: 'ciro-test', job: jobId(1), planHash, worker: nodeId(body.stage), inputHash: hash, payloadHash: hash, linkHash: hash, ...body }, signature }));
const message: fc.Arbitrary<JobMessage> = fc.oneof(
  fc.record({ type: fc.constantFrom('prepared' as const, 'alive' as const), job, version }),
  fc.record({ type: fc.constant('token' as const), job, version, position: fc.integer({ min: 2, max: 8 }), id: fc.constantFrom(9, 9, 9, 2, 500) }),
  fc.record({ type: fc.constant('unit' as const), receipt, canonHash: fc.constant(hash), hintHash: fc.constantFrom(HINT_HASH, HINT_HASH, HINT_HASH, hash), hints: fc.constant('AA==') }),
  fc.record({ type: fc.constant('acknowledge' as const), job, acknowledgement: fc.record({ receiptHash: fc.constant(hash), signer: fc.oneof(stage.map(nodeId), fc.constant('coordinator' as const)), signature: fc.constant(signature) }) }),
  fc.record({ type: fc.constant('disagree' as const), job, receipt, linkHash: fc.constant(hash), signature: fc.constant(signature) }),
  fc.record({ type: fc.constant('root' as const), job, planHash: fc.constant(planHash), stage, root: fc.constant('0x1'), signature: fc.constant(signature), salts: fc.constant<string[]>([]), stats: fc.constant({ engine: 'wasm' as const, decodeMs: none, commitMs: none, unitMs: none, lapMs: none, peakMemoryBytes: 0 }) }),
);
const fatal: fc.Arbitrary<JobMessage> = fc.record({ type: fc.constantFrom('stage-refused' as const, 'fault' as const), job, version, code: fc.constant('x'), message: fc.constant('y') });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 15, arbitrary: fc.record({ id: fc.constantFrom(9, 9, 9, 9, 9, 9, 9, 2) }) },
  { weight: 60, arbitrary: fc.record({ from: stage, message }) },
  { weight: 1, arbitrary: fc.record({ from: stage, message: fatal }) },
  { weight: 1, arbitrary: fc.record({ lost: stage }) },
  { weight: 1, arbitrary: fc.record({ link: stage }) },
  { weight: 1, arbitrary: fc.record({ stop: fc.constantFrom('stop' as const, 'cancelled' as const) }) },
  { weight: 2, arbitrary: fc.record({ wait: fc.constantFrom(10, 1_500, 6_000, 40_000) }) },
);

it(`whatever workers send in whatever order, a job ends once, in order, and says nothing after it (20,000 steps, seed ${SEED})`, () => {
  const endings = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 40, maxLength: 40 }), fc.boolean(), fc.boolean(), (steps, prepared, goesOn) => {
      const machine = new JobMachine({ signed: { plan, signature }, planHash, promptIds: idBytes(order.promptIds), vocabulary: 200, goesOn });
      let now = 0;
      const outputs: JobOutput[] = machine.begin(now);
      const take = (more: readonly JobOutput[]): void => void outputs.push(...more);
      if (prepared) for (let n = 0; n < 3; n++) take(machine.handle(nodeId(n), { type: 'prepared', job: plan.job, version: 1 }, now));
      for (const each of steps) {
        if ('message' in each) take(machine.handle(nodeId(each.from), each.message, now));
        else if ('id' in each) take(machine.handle(nodeId(2), { type: 'token', job: plan.job, version: 1, position: 2 + machine.generated.length + machine.surplus.length, id: each.id }, now));
        else if ('lost' in each) take(machine.lost(nodeId(each.lost), 'fuzz', now));
        else if ('link' in each) take(machine.linkLost(nodeId(each.link), nodeId((each.link + 1) % 3), now));
        else if ('stop' in each) take(machine.stop(each.stop, now));
        else take(machine.tick((now += each.wait)));
      }
      // Time ends every job.
      for (let waits = 0; waits < 3; waits++) take(machine.tick((now += 1e6)));
      const told = outputs.filter((output) => output.type !== 'send' && output.type !== 'rejected' && output.type !== 'silent');
      const text = told.map((output) => output.type).join(' ');
      expect(text).toMatch(/^(token )*(failed|finished collected)$/);
      expect(told.flatMap((output) => (output.type === 'token' ? [output.position] : []))).toEqual(machine.generated.map((_, index) => 2 + index));
      expect(outputs.filter((output) => output.type === 'send' && output.message.type === 'finish').length).toBeLessThanOrEqual(3);
      expect(machine.deadline).toBeUndefined();
      expect(machine.evidence.stages.every(({ units, given }) => units.size <= 2 && given.size <= 2)).toBe(true);
      const ending = text.endsWith('failed') ? 'failed' : 'collected';
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
    }),
    { seed: SEED, numRuns: 500 },
  );
  expect(endings.get('failed')).toBeGreaterThan(50);
  expect(endings.get('collected')).toBeGreaterThan(50);
});
