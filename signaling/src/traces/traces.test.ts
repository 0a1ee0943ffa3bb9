import { expect, it } from 'vitest';
import { makeRecord } from '../evidence/job-record.fixture.ts';
import { JobEvents } from '../scheduler/job-events.ts';
import { SchedulerError } from '../scheduler/scheduler-error.ts';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { JobTraces } from './job-traces.ts';
import { MAX_WAITING_SPANS, OtlpExporter } from './otlp-exporter.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobEvent, JobOrder } from '../scheduler/job-order.ts';
import type { Span } from './otlp-exporter.ts';

const JOB = 'ab'.repeat(16) as JobId;
const ORDER = { job: JOB, modelId: '5'.repeat(64), promptIds: Uint32Array.of(7, 8, 9), maxTokens: 2, continues: null } as unknown as JobOrder;
const RECORD = makeRecord({ job: JOB, promptIds: [7, 8, 9], tokenIds: [4321, 5432] });

function traced() {
  const clock = new VirtualClock(1_700_000_000_000);
  const spans: Span[] = [];
  const traces = new JobTraces(clock, (span) => spans.push(span));
  const events = new JobEvents();
  const { events: told } = traces.runner({ run: () => ({ events, stop: () => undefined }), forget: () => undefined }).run(ORDER, new AbortController().signal);
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { type } of told) seen.push(type);
  })();
  const step = async (ms: number, event: JobEvent): Promise<void> => {
    clock.advance(ms);
    events.push(event);
    await new Promise(setImmediate);
  };
  return { clock, spans, traces, events, step, seen, reading };
}

it('O6: a trace has the whole life of a job, step by step, under the job’s id, and nothing of what was said', async () => {
  const { clock, spans, traces, events, step, seen, reading } = traced();
  await step(5, { type: 'queued', ahead: 0 });
  await step(15, { type: 'assigned', signed: RECORD.signed });
  await step(300, { type: 'token', position: 3, id: 4321 });
  await step(40, { type: 'token', position: 4, id: 5432 });
  await step(10, { type: 'finished', reason: 'length' });
  await step(100, { type: 'recorded', record: RECORD });
  events.end();
  await reading;
  clock.advance(2_000);
  traces.feed(JOB, { type: 'audited', stage: 1, status: 'passed' });
  traces.feed(JOB, { type: 'settled' });
  traces.feed(JOB, { type: 'settled' });
  expect(seen).toEqual(['queued', 'assigned', 'token', 'token', 'finished', 'recorded']);
  expect(spans.map(({ name, from, to }) => [name, to - from])).toEqual([['wait', 20], ['prompt', 300], ['answer', 50], ['record', 100], ['audit', 2_000], ['job', 2_470]]);
  const root = spans.at(-1);
  expect(spans.every(({ traceId, error }) => traceId === JOB && error === undefined)).toBe(true);
  expect(spans.slice(0, -1).every(({ parentId }) => parentId === root?.spanId)).toBe(true);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(6);
  expect(root?.attributes).toMatchObject({ 'ciro.prompt_tokens': 3, 'ciro.stages': 3, 'ciro.tokens': 2, 'ciro.finish': 'length', 'ciro.stage.1.audit': 'passed' });
  expect(JSON.stringify(spans)).not.toMatch(/4321|5432/);
});

it('O6: what failed is a step with its code, and the reader is given the error', async () => {
  const { spans, traces, events, reading } = traced();
  const error = new SchedulerError('not-covered', 'nobody', { fault: 'platform' });
  events.end(error);
  await expect(reading).rejects.toBe(error);
  traces.feed(JOB, { type: 'failed', code: 'not-covered', message: 'a message with what was asked' });
  expect(spans.map(({ name, error: code }) => [name, code])).toEqual([['wait', 'not-covered'], ['job', 'not-covered']]);
  expect(JSON.stringify(spans)).not.toContain('what was asked');
});

const SPAN: Span = { traceId: JOB, spanId: '12'.repeat(8), name: 'job', from: 1_700_000_000_000.25, to: 1_700_000_000_001, attributes: { 'ciro.tokens': 2, 'ciro.finish': 'stop' } };

it('O6: spans go to the collector together, as OTLP has them, with the headers that the operator gives', async () => {
  const clock = new VirtualClock();
  const posts: { url: string; headers: unknown; body: { resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }] } }[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    posts.push({ url, headers: init.headers, body: JSON.parse(String(init.body)) });
    return new Response();
  }) as typeof globalThis.fetch;
  const exporter = new OtlpExporter({ endpoint: 'http://collector:4318/', headers: 'authorization=Bearer%20x, x-a=1=2,bad' }, { clock, fetch, onError: (error) => expect.unreachable(String(error)) });
  exporter.add(SPAN);
  exporter.add({ ...SPAN, parentId: '34'.repeat(8), error: 'stalled' });
  clock.advance(5_000);
  await exporter.close();
  exporter.add(SPAN);
  expect([posts.length, clock.pending]).toEqual([1, 0]);
  expect(posts[0]).toMatchObject({ url: 'http://collector:4318/v1/traces', headers: { authorization: 'Bearer x', 'x-a': '1=2' } });
  expect(posts[0]?.body.resourceSpans[0].scopeSpans[0].spans).toEqual([
    { traceId: JOB, spanId: SPAN.spanId, name: 'job', kind: 1, startTimeUnixNano: '1700000000000250000', endTimeUnixNano: '1700000000001000000', attributes: [{ key: 'ciro.tokens', value: { doubleValue: 2 } }, { key: 'ciro.finish', value: { stringValue: 'stop' } }], status: { code: 1 } },
    expect.objectContaining({ parentSpanId: '34'.repeat(8), status: { code: 2, message: 'stalled' } }),
  ]);
});

it('O6: a collector that is gone is told of once, costs its spans, and keeps no more than a bound of them', async () => {
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  let sent = 0;
  const fetch = (async () => {
    sent++;
    throw new TypeError('fetch failed');
  }) as typeof globalThis.fetch;
  const exporter = new OtlpExporter({ endpoint: 'http://nowhere' }, { clock, fetch, onError: (error) => errors.push(error) });
  for (let n = 0; n < 2 * MAX_WAITING_SPANS; n++) exporter.add(SPAN);
  await exporter.close();
  await new Promise(setImmediate);
  expect(errors).toHaveLength(1);
  expect(sent).toBe(MAX_WAITING_SPANS / 512);
});
