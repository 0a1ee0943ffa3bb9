import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { SCHEMAS } from '@ciro/signaling/edge/openapi/schemas.ts';
import { SchedulerError } from '@ciro/signaling/scheduler/scheduler-error.ts';
import { eventsOfStream, ScriptedCoordinator } from '../support/scripted-coordinator.ts';
import type { SchemaName } from '@ciro/signaling/edge/openapi/schemas.ts';

/** End of an answer in the tiny model's vocabulary: a control token without text. */
const END = 2;

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start();
});
afterAll(() => scripted[Symbol.asyncDispose]());
beforeEach(() => {
  scripted.runner.script = { ids: [...scripted.model.tokenizer.encode('hello the world'), END] };
  scripted.runner.orders.length = 0;
});

const post = (path: string, body: object): Promise<Response> => scripted.fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'default', ...body }) });

it('a completion goes on from its prompt as it is: no template, and token ids as they are', async () => {
  const response = await post('/v1/completions', { prompt: 'hello', max_tokens: 5, stop: ['never'] });
  const job = response.headers.get('x-ciro-job');
  expect(await response.json()).toMatchObject({ id: `cmpl-${job}`, object: 'text_completion', choices: [{ index: 0, logprobs: null }], ciro: { job, tracking_url: `${scripted.coordinator.url}/v1/jobs/${job}` } });
  await (await post('/v1/completions', { prompt: [5, 6, 7] })).text();
  const [text, ids] = scripted.runner.orders;
  expect([...(text?.promptIds ?? [])]).toEqual(scripted.model.tokenizer.encodePrompt('hello'));
  expect([text?.maxTokens, ids?.maxTokens]).toEqual([5, 16]);
  expect([...(ids?.promptIds ?? [])]).toEqual([5, 6, 7]);
});

it('a prompt that is no prompt of this model costs nothing', async () => {
  const beyond = await post('/v1/completions', { prompt: [5, 1_000_000] });
  expect([beyond.status, await beyond.json()]).toMatchObject([400, { error: { code: 'invalid_value', param: 'prompt[1]' } }]);
  const long = await post('/v1/completions', { prompt: Array.from({ length: 200 }, () => 5) });
  expect([long.status, await long.json()]).toMatchObject([400, { error: { code: 'context_length_exceeded', message: expect.stringContaining('the model holds 128 tokens') } }]);
  expect(scripted.runner.orders).toEqual([]);
});

it('a streamed completion is text, finish, [DONE]', async () => {
  const { data, done } = await eventsOfStream(await post('/v1/completions', { prompt: 'hello', max_tokens: 40, stream: true }));
  expect(done).toBe(true);
  expect(data.map((chunk) => (chunk as { choices: [{ text: string }] }).choices[0].text).join('')).toBe('hello the world');
  expect(data.at(-1)).toMatchObject({ choices: [{ text: '', finish_reason: 'stop' }], ciro: { job: expect.stringMatching(/^[0-9a-f]{32}$/) } });
});

it('a streamed response names its events, and one that breaks ends with an error', async () => {
  const response = await post('/v1/responses', { input: 'Say hello', stream: true });
  const { data, text, done } = await eventsOfStream(response);
  const types = data.map((event) => (event as { type: string }).type);
  expect(text.split('\n').filter((line) => line.startsWith('event: ')).map((line) => line.slice('event: '.length))).toEqual(types);
  expect([types[0], types.at(-1), done]).toEqual(['response.created', 'response.completed', false]);
  expect(data.at(-1)).toMatchObject({ response: { output: [{ content: [{ text: 'hello the world' }] }], ciro: { job: response.headers.get('x-ciro-job') } } });

  scripted.runner.script = { ...scripted.runner.script, failAfter: { tokens: 2, error: new SchedulerError('worker-lost', 'stage 1 left', { fault: 'platform' }) } };
  const broken = await eventsOfStream(await post('/v1/responses', { input: 'Say hello', stream: true }));
  expect(broken.data.at(-1)).toMatchObject({ type: 'error', code: 'worker_lost', message: 'stage 1 left' });
});

it('I9: what is given has the form that the document says', async () => {
  const json = async (response: Response): Promise<unknown> => response.json();
  const hello = { messages: [{ role: 'user', content: 'Say hello' }] };
  const chat = await post('/v1/chat/completions', hello);
  const job = chat.headers.get('x-ciro-job');
  const stream = async (path: string, body: object): Promise<readonly unknown[]> => (await eventsOfStream(await post(path, { ...body, stream: true, ...(path === '/v1/responses' ? {} : { stream_options: { include_usage: true } }) }))).data;
  const given: readonly (readonly [SchemaName, readonly unknown[]])[] = [
    ['ChatCompletion', [await json(chat)]],
    ['ChatCompletionChunk', await stream('/v1/chat/completions', hello)],
    ['Completion', [await json(await post('/v1/completions', { prompt: 'hello' })), ...(await stream('/v1/completions', { prompt: 'hello' }))]],
    ['Response', [await json(await post('/v1/responses', { input: 'hello' }))]],
    ['ResponseEvent', await stream('/v1/responses', { input: 'hello' })],
    ['ModelList', [await json(await scripted.fetch('/v1/models'))]],
    ['Model', [await json(await scripted.fetch('/v1/models/default'))]],
    ['Job', [await json(await scripted.fetch(`/v1/jobs/${job}`))]],
    ['Trial', [await json(await scripted.fetch('/v1/trial', { method: 'POST' }))]],
    ['Account', [await json(await scripted.fetch('/v1/account'))]],
    ['List', [await json(await scripted.fetch('/v1/nodes')), await json(await scripted.fetch('/v1/epochs'))]],
    ['Error', [await json(await post('/v1/chat/completions', {})), await json(await scripted.fetch('/v1/models/none')), await json(await scripted.fetch('/v1/account', { headers: { authorization: '' } }))]],
  ];
  for (const [name, replies] of given) for (const reply of replies) expect(v.safeParse(SCHEMAS[name], reply).issues, name).toBeUndefined();
});
