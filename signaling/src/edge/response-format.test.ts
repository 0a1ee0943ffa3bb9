import { expect, it } from 'vitest';
import { parseResponseRequest } from '../intake/response-request.ts';
import { ResponseFormat, responseOf } from './response-format.ts';
import type { JobId } from '@ciro/core/ids.ts';

const ASKED = parseResponseRequest({ model: 'm', input: 'Why?', instructions: 'Be kind.', max_output_tokens: 9 });
const HEAD = { job: '0a' as JobId, request: ASKED.chat, model: 'tiny', createdAt: 5_000, promptTokens: 3 };
const END = { type: 'end', finish: 'stop', completionTokens: 2 } as const;

it('a whole response says what was asked, what was said, and where its job stands', () => {
  expect(responseOf(HEAD, ASKED, { text: 'So.', end: END, trackingUrl: 'http://x/v1/jobs/0a' })).toMatchObject({
    id: 'resp_0a', object: 'response', created_at: 5, status: 'completed', error: null, incomplete_details: null, instructions: 'Be kind.', max_output_tokens: 9, store: false, tools: [],
    output: [{ id: 'msg_0a', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'So.', annotations: [] }] }],
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
    ciro: { job: '0a', tracking_url: 'http://x/v1/jobs/0a', evidence: '/v1/jobs/0a/evidence' },
  });
  expect(responseOf(HEAD, ASKED, { text: 'So', end: { ...END, finish: 'length' }, trackingUrl: '' })).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
});

it('a command has its name in place of a job', () => {
  expect(responseOf({ ...HEAD, command: '/help' }, ASKED, { text: 'So.', end: END, trackingUrl: '' }).ciro).toEqual({ command: '/help' });
});

it('events are numbered over the whole stream, and an error ends it in the API\'s words', () => {
  const format = new ResponseFormat(HEAD, ASKED, '');
  const error = { message: 'stage 1 left', type: 'server_error', param: null, code: 'worker_lost' } as const;
  const events = [...format.begin(), ...format.text('S'), ...format.failed({ error })] as { type: string; sequence_number: number }[];
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(events.at(-1)).toEqual({ type: 'error', sequence_number: 5, message: 'stage 1 left', param: null, code: 'worker_lost' });
});
