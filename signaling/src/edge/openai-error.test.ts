import { expect, it } from 'vitest';
import { IntakeError } from '../intake/intake-error.ts';
import { TrialError } from '../ledger/trial-error.ts';
import { SchedulerError } from '../scheduler/scheduler-error.ts';
import { EdgeError, openAiError } from './openai-error.ts';

const shown = (error: unknown) => {
  const { status, retryAfterS, body: { error: { type, code, param } } } = openAiError(error);
  return { status, retryAfterS, type, code, param };
};

it('I5: what the client called off is not to be asked again; what ended with us is', () => {
  const off = { status: 499, retryAfterS: undefined, type: 'invalid_request_error', code: 'cancelled', param: null };
  expect(shown(new IntakeError('cancelled', 'x', { fault: 'abort' }))).toEqual(off);
  expect(shown(new SchedulerError('cancelled', 'x', { fault: 'abort' }))).toEqual(off);
  expect(shown(new IntakeError('stopping', 'x', { fault: 'platform', fields: { retryAfterMs: 60_000 } }))).toEqual({ status: 503, retryAfterS: 60, type: 'server_error', code: 'stopping', param: null });
});

it('I5: whatever may be asked again says when, in its own words or by its status', () => {
  expect(shown(new SchedulerError('worker-lost', 'x', { fault: 'platform' }))).toMatchObject({ status: 502, retryAfterS: 1 });
  expect(shown(new SchedulerError('no-workers', 'x', { fault: 'platform' }))).toMatchObject({ status: 503, retryAfterS: 5 });
  expect(shown(new SchedulerError('queue-full', 'x', { fault: 'platform', fields: { retryAfterMs: 1_500 } }))).toMatchObject({ status: 503, retryAfterS: 2 });
  expect(shown(new TrialError('pool-empty', 'x', { fault: 'platform' }))).toMatchObject({ status: 429, retryAfterS: 10, type: 'rate_limit_error' });
  expect(shown(new EdgeError('node_unavailable', 'x', { fault: 'platform' }))).toMatchObject({ status: 503, retryAfterS: 5, type: 'server_error' });
  expect(shown(new EdgeError('bad_request', 'x', { fault: 'user' }))).toMatchObject({ status: 400, retryAfterS: undefined });
});

it('a model that is not served has one code, wherever it is asked for', () => {
  for (const error of [new SchedulerError('unknown-model', 'x', { fault: 'user' }), new EdgeError('model_not_found', 'x', { fault: 'user' }), new IntakeError('model_not_found', 'x', { fault: 'user' })]) {
    expect(shown(error)).toMatchObject({ status: 404, type: 'invalid_request_error', code: 'model_not_found' });
  }
});

it('what is not one of our errors shows nothing of itself', () => {
  expect(openAiError(new Error('secret'))).toEqual({ status: 500, body: { error: { message: 'an error in the coordinator; nothing was charged: try again', type: 'server_error', param: null, code: 'internal_error' } } });
});
