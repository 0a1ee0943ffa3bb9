import { expect, it } from 'vitest';
import { makeRecord } from '../evidence/job-record.fixture.ts';
import { JobEvents } from '../scheduler/job-events.ts';
import { SchedulerError } from '../scheduler/scheduler-error.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { CoordinatorMetrics } from './coordinator-metrics.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';
import type { JobEvent, JobOrder } from '../scheduler/job-order.ts';

const CREDIT = 10n ** 18n;
const JOB = 'ab'.repeat(16) as JobId;
/** Runners here look at no order. */
const ORDER = { job: JOB } as JobOrder;
const signal = new AbortController().signal;

function setUp() {
  const clock = new VirtualClock();
  const metrics = new CoordinatorMetrics(clock);
  const events = new JobEvents();
  const stops: string[] = [];
  const runner = metrics.runner({ run: () => ({ events, stop: (reason) => void stops.push(reason) }), forget: () => undefined });
  const line = async (start: string): Promise<string[]> => (await metrics.set.registry.metrics()).split('\n').filter((text) => text.startsWith(start));
  return { clock, metrics, events, stops, runner, line };
}

async function readAll(source: AsyncIterable<JobEvent>): Promise<JobEvent['type'][]> {
  const types: JobEvent['type'][] = [];
  for await (const { type } of source) types.push(type);
  return types;
}

it('O1: an answer is timed from its order to first and last token, its tokens are counted, and its reader is given every event', async () => {
  const { clock, events, line, runner, stops } = setUp();
  const handle = runner.run(ORDER, signal);
  const reading = readAll(handle.events);
  const record = makeRecord({ job: JOB, promptIds: [1, 2, 3], tokenIds: [4, 5], finish: 'stop' });
  const step = async (ms: number, event: JobEvent): Promise<void> => {
    clock.advance(ms);
    events.push(event);
    await new Promise(setImmediate);
  };
  await step(0, { type: 'queued', ahead: 0 });
  await step(900, { type: 'token', position: 3, id: 4 });
  await step(20_000, { type: 'token', position: 4, id: 5 });
  await step(0, { type: 'finished', reason: 'stop' });
  await step(50, { type: 'recorded', record });
  events.end();
  expect(await reading).toEqual(['queued', 'token', 'token', 'finished', 'recorded']);
  handle.stop('stop');
  expect(stops).toEqual(['stop']);
  expect(await line('ciro_jobs_total')).toEqual(['ciro_jobs_total{outcome="answered"} 1']);
  expect(await line('ciro_first_token_seconds_sum')).toEqual(['ciro_first_token_seconds_sum 0.9']);
  // 20.9 s: over the bucket of 20, within the objective's.
  expect(await line('ciro_answer_seconds_bucket{le="20"')).toEqual(['ciro_answer_seconds_bucket{le="20",length="short"} 0']);
  expect(await line('ciro_answer_seconds_bucket{le="30"')).toEqual(['ciro_answer_seconds_bucket{le="30",length="short"} 1']);
  expect(await line('ciro_tokens_total')).toEqual(['ciro_tokens_total{kind="prompt"} 3', 'ciro_tokens_total{kind="cached"} 0', 'ciro_tokens_total{kind="generated"} 2']);
});

it.each([
  [new SchedulerError('worker-lost', 'gone', { fault: 'peer' }), 'failed', 'worker-lost'],
  [new SchedulerError('cancelled', 'left', { fault: 'abort' }), 'cancelled', 'cancelled'],
  [Object.assign(new Error('x'), { code: 'made up by whoever threw it' }), 'failed', 'other'],
])('O1: what failed is counted by its code, and an unknown one as `other`: %s', async (error, outcome, code) => {
  const { events, line, runner } = setUp();
  const reading = readAll(runner.run(ORDER, signal).events);
  events.end(error);
  await expect(reading).rejects.toBe(error);
  expect(await line('ciro_jobs_total')).toEqual([`ciro_jobs_total{outcome="${outcome}"} 1`]);
  expect(await line('ciro_job_failures_total')).toEqual([`ciro_job_failures_total{code="${code}"} 1`]);
});

it('O1: audits are timed from record to decision, credits counted by their state, and listeners of before still hear', async () => {
  const { clock, metrics, line } = setUp();
  metrics.feed(JOB, { type: 'recorded', roots: [] });
  clock.advance(3_000);
  metrics.feed(JOB, { type: 'audited', stage: 0, status: 'passed' });
  metrics.feed(JOB, { type: 'settled' });
  metrics.feed(JOB, { type: 'settled' });
  expect(await line('ciro_audit_seconds_sum')).toEqual(['ciro_audit_seconds_sum 3']);
  expect(await line('ciro_audit_seconds_count')).toEqual(['ciro_audit_seconds_count 1']);
  expect(await line('ciro_audited_stages_total')).toEqual(['ciro_audited_stages_total{outcome="passed"} 1']);

  const told: unknown[] = [];
  const notices = metrics.notices({ credited: (...notice) => void told.push(notice) });
  const notice = { job: JOB, amount: 5n * CREDIT / 2n, status: 'payable', pendingTotal: 0n, payableTotal: 0n, withheldTotal: 0n, paidPositions: 1, generatedTokens: 1, entry: { sequence: 1, hash: 'ab'.repeat(32) as never } } as const;
  notices.credited('cd'.repeat(20) as NodeId, notice);
  expect(told).toEqual([['cd'.repeat(20), notice]]);
  expect(await line('ciro_worker_credits_total')).toEqual(['ciro_worker_credits_total{status="payable"} 2.5']);

  const heard: unknown[] = [];
  const times = metrics.times({ decided: (...args) => void heard.push(args), setUp: (...args) => void heard.push(args) });
  times.decided('job', 3);
  times.setUp(150, 40);
  expect(heard).toEqual([['job', 3], [150, 40]]);
  expect(await line('ciro_job_setup_seconds_bucket{le="0.2"}')).toEqual(['ciro_job_setup_seconds_bucket{le="0.2"} 1']);
  expect(await line('ciro_job_wait_seconds_sum')).toEqual(['ciro_job_wait_seconds_sum 0.04']);
});

it('O1: a payment is timed from the close of the newest claimable epoch', async () => {
  const { clock, metrics, line } = setUp();
  const heard: string[] = [];
  const tell = metrics.settlement(({ type }) => void heard.push(type));
  const paid = { type: 'settled', worker: 'cd'.repeat(20) as NodeId, account: '0x1', credits: 3n * CREDIT } as const;
  // Of an epoch that was closed before this start nobody knows when.
  tell(paid);
  tell({ type: 'closed', epoch: 7, count: 1, total: 3n });
  clock.advance(400_000);
  tell({ type: 'claimable', epoch: 7 });
  clock.advance(20_000);
  tell(paid);
  expect(heard).toEqual(['settled', 'closed', 'claimable', 'settled']);
  expect(await line('ciro_settlement_seconds_sum')).toEqual(['ciro_settlement_seconds_sum 420']);
  expect(await line('ciro_settlement_seconds_count')).toEqual(['ciro_settlement_seconds_count 1']);
  expect(await line('ciro_settled_credits_total')).toEqual(['ciro_settled_credits_total 6']);
});

it('O1: whatever a client sends makes no new series: methods, statuses and errors come from fixed lists', async () => {
  const { metrics } = setUp();
  for (let n = 0; n < 400; n++) {
    metrics.answered({ route: undefined, method: `M${n}`, status: 200 + (n % 400), ms: n });
    metrics.failed({ about: `something ${n}` });
    metrics.failed({ job: `job ${n}` });
  }
  const text = await metrics.set.registry.metrics();
  const count = (start: string): number => text.split('\n').filter((line) => line.startsWith(start)).length;
  expect([count('ciro_http_requests_total'), count('ciro_background_errors_total')]).toEqual([4, 2]);
});

it('O5: a worker that a job failed or moved because of is named, where the error names one', async () => {
  const { metrics } = setUp();
  const blamed: string[] = [];
  metrics.onBlame((worker) => blamed.push(worker));
  const worker = 'cd'.repeat(20);
  const lost = new SchedulerError('worker-lost', 'gone', { fault: 'peer', fields: { worker } });
  for (const end of [lost, new SchedulerError('stalled', 'nobody knows', { fault: 'peer', fields: { worker: 'not an id' } }), new Error('x')]) {
    const events = new JobEvents();
    const reading = readAll(metrics.runner({ run: () => ({ events, stop: () => undefined }), forget: () => undefined }).run(ORDER, signal).events);
    events.push({ type: 'finished', reason: 'moved', lost });
    events.end(end);
    await expect(reading).rejects.toBe(end);
  }
  expect(blamed).toEqual(Array.from({ length: 4 }, () => worker));
});
