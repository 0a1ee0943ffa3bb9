import { afterAll, beforeAll, expect, it } from 'vitest';
import { TRIAL_CREDITS, BASE_UNITS_PER_CREDIT } from '@ciro/core/units.ts';
import { SchedulerError } from '../../signaling/src/scheduler/scheduler-error.ts';
import { ScriptedCoordinator } from '../support/scripted-coordinator.ts';

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start();
});
afterAll(() => scripted[Symbol.asyncDispose]());

const user = (content: unknown): object => ({ messages: [{ role: 'user', content }] });

/** What is asked, the status, the code, the parameter that is named, and a part of the sentence. */
const REFUSALS: readonly (readonly [what: string, body: Record<string, unknown>, status: number, code: string, param: string | null, says: string])[] = [
  ['an unknown model', { model: 'gpt-7' }, 404, 'model_not_found', 'model', 'served: default, tiny'],
  ['no model', { model: undefined }, 400, 'missing_required_parameter', 'model', 'model is missing'],
  ['no messages', { messages: undefined }, 400, 'missing_required_parameter', 'messages', 'messages is missing'],
  ['an empty list of messages', { messages: [] }, 400, 'invalid_value', 'messages', 'at least one message'],
  ['messages that are no list', { messages: 'hello' }, 400, 'invalid_value', 'messages', 'expected a list'],
  ['an empty prompt', { ...user('') }, 400, 'empty_prompt', 'messages[0].content', 'is empty'],
  ['a prompt of white space', { ...user(' \n\t') }, 400, 'empty_prompt', 'messages[0].content', 'is empty'],
  ['empty parts', { ...user([{ type: 'text', text: '' }]) }, 400, 'empty_prompt', 'messages[0].content', 'is empty'],
  ['only an empty system text', { messages: [{ role: 'system', content: '' }] }, 400, 'empty_prompt', 'messages', 'no message holds any text'],
  ['a picture', { ...user([{ type: 'image_url', image_url: { url: 'x' } }]) }, 400, 'unsupported_parameter', 'messages[0].content', 'is not supported'],
  ['a tool message', { messages: [{ role: 'tool', content: 'x' }] }, 400, 'unsupported_parameter', 'messages[0].role', 'is not supported'],
  ['content that is a number', { ...user(7) }, 400, 'unsupported_parameter', 'messages[0].content', 'is not supported'],
  ['a prompt past the context', { ...user('x'.repeat(200)) }, 400, 'context_length_exceeded', 'messages', 'the model holds 128 tokens'],
  ['far more text than the context', { ...user(' '.repeat(1_024) + 'x') }, 400, 'context_length_exceeded', 'messages', '1025 bytes of text'],
  ['an answer past the context', { max_tokens: 128 }, 400, 'context_length_exceeded', 'max_tokens', 'the answer may take 128'],
  ['half a token', { max_tokens: 1.5 }, 400, 'invalid_value', 'max_tokens', 'whole number'],
  ['no tokens', { max_completion_tokens: 0 }, 400, 'invalid_value', 'max_completion_tokens', 'at least 1'],
  ['two lengths', { max_tokens: 1, max_completion_tokens: 2 }, 400, 'invalid_value', 'max_tokens', 'send one of them'],
  ['too hot', { temperature: 2.1 }, 400, 'invalid_value', 'temperature', 'at most 2'],
  ['a temperature in words', { temperature: 'warm' }, 400, 'invalid_value', 'temperature', 'expected a number'],
  ['top_p past 1', { top_p: 1.01 }, 400, 'invalid_value', 'top_p', 'at most 1'],
  ['five stop strings', { stop: ['a', 'b', 'c', 'd', 'e'] }, 400, 'invalid_value', 'stop', 'at most 4'],
  ['an empty stop string', { stop: [''] }, 400, 'invalid_value', 'stop', '1 to 256 characters'],
  ['a stream that is a word', { stream: 'yes' }, 400, 'invalid_value', 'stream', 'true or false'],
  ['a seed with a fraction', { seed: 0.5 }, 400, 'invalid_value', 'seed', 'whole number'],
  ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }, 400, 'unsupported_parameter', 'tools', 'tools is not supported'],
  ['JSON mode', { response_format: { type: 'json_object' } }, 400, 'unsupported_parameter', 'response_format', 'is not supported'],
  ['log probabilities', { logprobs: true }, 400, 'unsupported_parameter', 'logprobs', 'is not supported'],
  ['two answers', { n: 2 }, 400, 'unsupported_parameter', 'n', 'one answer a request'],
  ['an escrow, without a contract', { ciro: { escrow: '0x7a5', escrow_salt: '0a'.repeat(32) } }, 400, 'escrow_unsupported', 'ciro.escrow', 'serves no escrows'],
  ['an escrow without its salt', { ciro: { escrow: '0x7a5' } }, 400, 'missing_required_parameter', 'ciro.escrow_salt', 'spec_hash'],
  ['an escrow that is no field element', { ciro: { escrow: '0x07', escrow_salt: '0a'.repeat(32) } }, 400, 'invalid_value', 'ciro.escrow', 'job id of the contract'],
  ['audio', { audio: { voice: 'x' } }, 400, 'unsupported_parameter', 'audio', 'is not supported'],
  ['a penalty', { presence_penalty: 0.5 }, 400, 'unsupported_parameter', 'presence_penalty', 'is not supported'],
  ['a field that does not exist', { max_length: 5 }, 400, 'unknown_parameter', 'max_length', 'is not a parameter'],
  ['a field of every object', { constructor: 1 }, 400, 'unknown_parameter', 'constructor', 'is not a parameter'],
  ['an assurance that there is not', { ciro: { assurance: 'sure' } }, 400, 'invalid_value', 'ciro.assurance', 'stream or checked'],
  ['a commitment that is no hash', { ciro: { nonce_commitment: 'abc' } }, 400, 'invalid_value', 'ciro.nonce_commitment', '64 lower-case hex digits'],
  ['another field of our own', { ciro: { audit: true } }, 400, 'unknown_parameter', 'ciro.audit', 'is not a parameter'],
  ['our own field as a word', { ciro: 'checked' }, 400, 'invalid_value', 'ciro', 'expected {"assurance"'],
  ['an unknown stream option', { stream_options: { fast: true } }, 400, 'unknown_parameter', 'stream_options.fast', 'is not a parameter'],
  ['an unknown member of a message', { messages: [{ role: 'user', content: 'x', mood: 'calm' }] }, 400, 'unknown_parameter', 'messages[0].mood', 'is not a parameter'],
  ['the name of a speaker', { messages: [{ role: 'user', content: 'x', name: 'Ann' }] }, 400, 'unsupported_parameter', 'messages[0].name', 'write the name into the text'],
  ['an answer that called a tool', { messages: [{ role: 'assistant', content: null, tool_calls: [{ id: 'a' }] }] }, 400, 'unsupported_parameter', 'messages[0].tool_calls', 'tool calls are not supported'],
  ['an answer that refused', { messages: [{ role: 'assistant', content: null, refusal: 'No.' }] }, 400, 'unsupported_parameter', 'messages[0].refusal', 'is not supported'],
  ['a question without content', { messages: [{ role: 'user', content: null }] }, 400, 'unsupported_parameter', 'messages[0].content', 'expected text'],
  ['a completion to be stored', { store: true }, 400, 'unsupported_parameter', 'store', 'is not supported'],
  ['tags of a stored completion', { metadata: { a: 'b' } }, 400, 'unsupported_parameter', 'metadata', 'is not supported'],
  ['another service tier', { service_tier: 'flex' }, 400, 'unsupported_parameter', 'service_tier', 'is not supported'],
  ['a client that names itself at length', { safety_identifier: 'x'.repeat(600) }, 400, 'invalid_value', 'safety_identifier', 'at most 512'],
];

it.each(REFUSALS)('%s is refused by name, and costs nothing', async (_what, body, status, code, param, says) => {
  const response = await scripted.ask(body);
  const refusal = (await response.json()) as { error: { message: string } };
  expect([response.status, refusal]).toMatchObject([status, { error: { type: 'invalid_request_error', code, param } }]);
  expect(refusal.error.message).toContain(says);
  expect(Object.keys(refusal.error).sort()).toEqual(['code', 'message', 'param', 'type']);
});

it('after all of these nothing was ordered and the balance is whole', async () => {
  expect(scripted.runner.orders).toEqual([]);
  expect(await scripted.balance()).toBe(TRIAL_CREDITS * BASE_UNITS_PER_CREDIT);
});

it('a body that is no JSON, no object, too large, or of another kind is refused in the same shape', async () => {
  const headers = { 'content-type': 'application/json' };
  const send = async (init: RequestInit) => {
    const response = await scripted.ask({}, init);
    return [response.status, ((await response.json()) as { error: { code: string } }).error.code];
  };
  expect(await send({ headers, body: '{"model":' })).toEqual([400, 'invalid_json']);
  expect(await send({ headers, body: '' })).toEqual([400, 'invalid_value']);
  expect(await send({ headers, body: '[]' })).toEqual([400, 'invalid_value']);
  expect(await send({ headers, body: 'null' })).toEqual([400, 'invalid_value']);
  expect(await send({ headers, body: '{"__proto__":{"model":"x"}}' })).toEqual([400, 'invalid_json']);
  const large = await scripted.ask({}, { headers, body: JSON.stringify({ model: 'x'.repeat(600_000) }) });
  expect([large.status, await large.json()]).toMatchObject([413, { error: { code: 'body_too_large', message: expect.stringContaining('524288 bytes') } }]);
  expect(await send({ headers: { 'content-type': 'text/plain' }, body: 'hello' })).toEqual([415, 'unsupported_media_type']);
});

it('a model that is not served has the same code by its name in a path; a page of another site may read which request it was', async () => {
  const response = await scripted.fetch('/v1/models/gpt-7');
  expect([response.status, await response.json()]).toMatchObject([404, { error: { code: 'model_not_found', param: 'model', message: expect.stringContaining('served: default, tiny') } }]);
  expect(response.headers.get('access-control-expose-headers')?.split(', ')).toEqual(expect.arrayContaining(['x-ciro-job', 'x-request-id', 'retry-after']));
});

it('a missing or unknown key is 401, and says how to get one', async () => {
  for (const authorization of ['', 'Bearer', 'Bearer ciro-sk-nobody', 'Basic abc', `Bearer ciro-sk-${'A'.repeat(43)}`]) {
    const response = await scripted.ask({}, { headers: { 'content-type': 'application/json', authorization } });
    expect(response.status, authorization).toBe(401);
    expect(await response.json()).toMatchObject({ error: { type: 'authentication_error', code: 'invalid_api_key', message: expect.stringContaining('/v1/trial') } });
  }
});

it('an account without credits is 402 with both amounts; a hold is never more than the balance', async () => {
  const trial = (await (await scripted.fetch('/v1/trial', { method: 'POST' })).json()) as { key: string };
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${trial.key}` };
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  scripted.runner.script = { ids: [2], gate: () => over };
  const asked = Array.from({ length: 40 }, () => scripted.ask({ max_tokens: 60 }, { headers }));
  const early: Response[] = [];
  for (const one of asked) void one.then((response) => early.push(response));
  await expect.poll(() => early.length).toBeGreaterThan(4);
  await expect.poll(async () => early.length + scripted.runner.orders.length).toBe(40);
  end();
  for (const response of early) {
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({ error: { type: 'insufficient_quota', code: 'insufficient_credits', message: expect.stringMatching(/may cost up to [\d.]+ credits and the account holds [\d.]+/) } });
  }
  expect((await Promise.all(asked)).filter((response) => response.status === 200)).toHaveLength(scripted.runner.orders.length);
});

it('trials of one address are limited, with Retry-After', async () => {
  let last = await scripted.fetch('/v1/trial', { method: 'POST' });
  for (let n = 0; n < 10 && last.status === 201; n++) last = await scripted.fetch('/v1/trial', { method: 'POST' });
  expect(last.status).toBe(429);
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await last.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } });
});

it('P4: a model that needs more tabs is refused with their number and the absolute address at which they join', async () => {
  const error = new SchedulerError('not-covered', 'job x: tiny needs 6 more tabs', { fault: 'platform', fields: { retryAfterMs: 5_000, missingWorkers: 6, missingBytes: 2_000, workerBytes: 400 } });
  scripted.runner.scriptFor = () => ({ ids: [], failAfter: { tokens: 0, error } });
  const response = await scripted.ask({ ...user('Hello') });
  const join = new URL('/#contribute', scripted.coordinator.url).href;
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await response.json()).toEqual({
    error: { message: `job x: tiny needs 6 more tabs. Join: ${join}`, type: 'server_error', param: null, code: 'not_covered', ciro: { missing_tabs: 6, missing_bytes: 2_000, tab_bytes: 400, join_url: join } },
  });
  expect(await (await scripted.fetch('/v1/models')).json()).toMatchObject({ data: [{ ciro: { missing_tabs: 1 } }] });
});
