import { expect, it } from 'vitest';
import { idempotencyKeyOf, parseJobRequest } from './job-request.ts';

const NOW = Date.parse('2026-12-01T00:00:00Z');
const INPUT = { model: 'default', messages: [{ role: 'user', content: 'hi' }] };
const parse = (body: unknown) => parseJobRequest(body, NOW);

it('I20: a chat job keeps going without a reader, whatever its input says of streams', () => {
  expect(parse({ kind: 'chat', input: { ...INPUT, stream: true } })).toMatchObject({ request: { stream: false, keepGoing: true, assurance: 'stream' }, deadline: undefined });
  const { request, deadline } = parse({ kind: 'chat', input: INPUT, assurance: 'checked', deadline: '2026-12-01T01:00:00Z' });
  expect([request, deadline]).toMatchObject([{ assurance: 'checked', deadline: NOW + 3_600_000 }, NOW + 3_600_000]);
});

it('I20: another kind is named with those that there are, and so is every wrong field', () => {
  expect(() => parse({ kind: 'render', input: {} })).toThrow(expect.objectContaining({ code: 'task_not_available', message: expect.stringContaining('available: chat') }));
  expect(() => parse({ kind: 'constructor', input: {} })).toThrow(expect.objectContaining({ code: 'task_not_available' }));
  expect(() => parse({ kind: 'chat', input: { ...INPUT, tools: [{}] } })).toThrow(expect.objectContaining({ code: 'unsupported_parameter' }));
  for (const [body, param] of [[7, null], [{ input: INPUT }, 'kind'], [{ kind: 'chat' }, 'input'], [{ kind: 'chat', input: INPUT, region: 'eu' }, 'region'], [{ kind: 'chat', input: INPUT, deadline: 'soon' }, 'deadline'], [{ kind: 'chat', input: INPUT, deadline: '2026-11-30T23:59:59Z' }, 'deadline'], [{ kind: 'chat', input: INPUT, deadline: '2026-12-02T00:00:01Z' }, 'deadline']] as const) {
    expect(() => parse(body), JSON.stringify(body)).toThrow(expect.objectContaining({ code: 'bad_job', fields: { param } }));
  }
});

it('I21: a key of the client is visible ASCII, of any form', () => {
  expect([idempotencyKeyOf(undefined), idempotencyKeyOf('2f1c-…'.slice(0, 5))]).toEqual([undefined, '2f1c-']);
  for (const header of ['', 'two words', 'ü', 'x'.repeat(256), ['a', 'b']]) expect(() => idempotencyKeyOf(header)).toThrow(expect.objectContaining({ code: 'bad_job' }));
});
