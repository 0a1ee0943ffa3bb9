import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { price, LAUNCH_RATES } from '@ciro/core/pricing/price.ts';
import { SchedulerError } from '@ciro/signaling/scheduler/scheduler-error.ts';
import { eventsOfStream, ScriptedCoordinator } from '../support/scripted-coordinator.ts';

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start();
});
afterAll(() => scripted[Symbol.asyncDispose]());

/** End of an answer in the tiny model's vocabulary: a control token without text. */
const END = 2;
const idsOf = (text: string): number[] => scripted.model.tokenizer.encode(text);

beforeEach(() => {
  scripted.runner.script = { ids: [...idsOf('hello the world'), END] };
  scripted.runner.orders.length = 0;
  scripted.runner.stops.length = 0;
});

it('a whole answer has the shape of chat.completion, and says where its evidence is', async () => {
  const response = await scripted.ask();
  const job = response.headers.get('x-ciro-job');
  expect(response.status).toBe(200);
  const [order] = scripted.runner.orders;
  const prompt = order?.promptIds.length ?? 0;
  const completion = scripted.runner.script.ids.length;
  expect(await response.json()).toEqual({
    id: `chatcmpl-${job}`,
    object: 'chat.completion',
    created: expect.any(Number),
    model: scripted.model.name,
    choices: [{ index: 0, message: { role: 'assistant', content: 'hello the world', refusal: null }, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: prompt, prompt_tokens_details: { cached_tokens: 0 }, completion_tokens: completion, total_tokens: prompt + completion },
    ciro: { job, tracking_url: `${scripted.coordinator.url}/v1/jobs/${job}`, evidence: `/v1/jobs/${job}/evidence`, assurance: 'stream' },
  });
});

it('a stream is role, text, finish, usage, [DONE]: the order that clients rely on', async () => {
  const response = await scripted.ask({ stream: true, stream_options: { include_usage: true } });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const job = response.headers.get('x-ciro-job');
  const { data, done } = await eventsOfStream(response);
  expect(done).toBe(true);
  const common = { id: `chatcmpl-${job}`, object: 'chat.completion.chunk', created: expect.any(Number), model: scripted.model.name, usage: null };
  const choice = (delta: object, finish: string | null = null) => ({ ...common, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] });
  expect(data[0]).toEqual(choice({ role: 'assistant', content: '' }));
  const texts = data.slice(1, -2);
  expect(texts.length).toBeGreaterThan(3);
  for (const chunk of texts) expect(chunk).toEqual(choice({ content: expect.any(String) }));
  expect(texts.map((chunk) => (chunk as { choices: [{ delta: { content: string } }] }).choices[0].delta.content).join('')).toBe('hello the world');
  expect(data.at(-2)).toEqual(choice({}, 'stop'));
  expect(data.at(-1)).toEqual({ ...common, choices: [], usage: { prompt_tokens: expect.any(Number), prompt_tokens_details: { cached_tokens: 0 }, completion_tokens: scripted.runner.script.ids.length, total_tokens: expect.any(Number) }, ciro: { job, tracking_url: `${scripted.coordinator.url}/v1/jobs/${job}`, evidence: `/v1/jobs/${job}/evidence`, assurance: 'stream' } });
});

it('without include_usage no chunk has usage, and the finish chunk says where the evidence is', async () => {
  const { data } = await eventsOfStream(await scripted.ask({ stream: true }));
  expect(data.some((chunk) => 'usage' in (chunk as object))).toBe(false);
  expect(data.at(-1)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }], ciro: { job: expect.stringMatching(/^[0-9a-f]{32}$/) } });
});

it('hands the request on as an order: template, sampler, stop ids, price', async () => {
  await scripted.ask({
    messages: [{ role: 'developer', content: 'Be brief.' }, { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }],
    max_completion_tokens: 7, temperature: 0.5, top_p: 0.9, top_k: 40, min_p: 0.05, repetition_penalty: 1.1, seed: -1, user: 'me', n: 1, tools: [], logprobs: false, response_format: { type: 'text' }, frequency_penalty: 0,
  });
  const [order] = scripted.runner.orders;
  const rendered = '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nab<|im_end|>\n<|im_start|>assistant\n';
  const promptIds = scripted.model.tokenizer.encodePrompt(rendered);
  expect(order).toEqual({
    job: expect.stringMatching(/^[0-9a-f]{32}$/),
    account: expect.stringMatching(/./),
    modelId: scripted.model.id,
    promptIds: Uint32Array.from(promptIds),
    sampler: { temperature: 0.5, topP: 0.9, topK: 40, minP: 0.05, repetitionPenalty: 1.1, seed: 2 ** 32 - 1 },
    maxTokens: 7,
    stopIds: scripted.model.manifest.stopIds,
    quote: { promptToken: String(LAUNCH_RATES.promptToken), generatedToken: String(LAUNCH_RATES.generatedToken), feeBasisPoints: '250', hold: String(price(LAUNCH_RATES, promptIds.length, 7)) },
    requesterNonce: null,
    exclude: [],
    goesOn: false,
    reuses: true,
    continues: null,
  });
  const requesterNonce = '7c'.repeat(32);
  await scripted.ask({ ciro: { nonce_commitment: requesterNonce, assurance: null } });
  expect(scripted.runner.orders[1]).toMatchObject({ requesterNonce });
});

it('fills in what a request leaves out: 0.7, at most 256 tokens or what fits, a new seed each time', async () => {
  await scripted.ask();
  await scripted.ask();
  const [first, second] = scripted.runner.orders;
  expect(first?.sampler).toMatchObject({ temperature: 0.7, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1 });
  expect(first?.sampler.seed).not.toBe(second?.sampler.seed);
  expect(first?.maxTokens).toBe(128 - (first?.promptIds.length ?? 0));
});

it('a stop string cuts the text, is not part of it, and ends the job', async () => {
  const response = await scripted.ask({ stop: ['never', 'the w'] });
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'hello ' }, finish_reason: 'stop' }] });
  expect(scripted.runner.stops).toEqual(['stop']);
});

it('a character that is spread over several tokens arrives whole', async () => {
  scripted.runner.script = { ids: [...idsOf('Zürich 🏔️'), END] };
  expect(idsOf('🏔️').length).toBeGreaterThan(3);
  const { text } = await eventsOfStream(await scripted.ask({ stream: true }));
  expect(text).not.toContain('\uFFFD');
  expect(text).toContain('🏔');
});

it('length is the finish reason when the answer is cut at max_tokens', async () => {
  const response = await scripted.ask({ max_tokens: 2 });
  expect(await response.json()).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 2 } });
});

it('an error in the middle of a stream is an error object, after which nothing follows', async () => {
  const error = new SchedulerError('worker-lost', 'stage 1 left', { fault: 'platform' });
  scripted.runner.script = { ...scripted.runner.script, failAfter: { tokens: 2, error } };
  const response = await scripted.ask({ stream: true });
  const { data, done } = await eventsOfStream(response);
  expect(response.status).toBe(200);
  expect(data.at(-1)).toEqual({ error: { message: 'stage 1 left', type: 'server_error', param: null, code: 'worker_lost' } });
  expect(done).toBe(false);
});

it('an error before the answer begins is an HTTP error, streaming or not', async () => {
  const error = new SchedulerError('queue-full', '64 jobs are waiting already', { fault: 'platform', fields: { retryAfterMs: 5_000 } });
  scripted.runner.script = { ids: [], failAfter: { tokens: 0, error } };
  for (const stream of [true, false]) {
    const response = await scripted.ask({ stream });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await response.json()).toEqual({ error: { message: '64 jobs are waiting already', type: 'server_error', param: null, code: 'queue_full' } });
  }
});

it('a client that goes away cancels its job', async () => {
  const stop = new AbortController();
  const { promise: waiting, resolve: arrived } = Promise.withResolvers<void>();
  scripted.runner.script = {
    ids: idsOf('hello the world'),
    gate: async (step) => {
      if (step !== 2) return;
      arrived();
      await sleep(200);
    },
  };
  const asking = scripted.ask({ stream: true }, { signal: stop.signal });
  await waiting;
  stop.abort();
  await expect(asking.then((response) => response.text())).rejects.toThrow('abort');
  await expect.poll(() => scripted.runner.stops).toEqual(['cancelled']);
});

it('what a client hears of its evidence: 202 until the job is settled, then all of it; another key hears nothing', async () => {
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
  scripted.runner.script = { ...scripted.runner.script, record: () => settled };
  const response = await scripted.ask();
  const path = `/v1/jobs/${response.headers.get('x-ciro-job')}/evidence`;
  const early = await scripted.fetch(path);
  expect([early.status, await early.json()]).toEqual([202, { status: 'running', job: response.headers.get('x-ciro-job') }]);
  settle();
  await expect.poll(async () => (await scripted.fetch(path)).status).toBe(200);
  const evidence: unknown = await (await scripted.fetch(path)).json();
  expect(evidence).toMatchObject({
    status: 'recorded',
    model: { id: scripted.model.id, sha256: scripted.model.manifest.file.sha256, architecture: { family: 'llama', layers: 2 } },
    plan: { version: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    token_ids: scripted.runner.script.ids,
    completion_tokens: scripted.runner.script.ids.length,
    text: 'hello the world',
    stages: [{ layers: [0, 10], engine: 'wasm', link: 'direct', receipts: [{ valid: true, kind: 'receipt' }, { kind: 'acknowledgement' }], units: [{ from: 0, hint_bytes: 1 }] }, {}, {}],
  });

  const trial = (await (await scripted.fetch('/v1/trial', { method: 'POST' })).json()) as { key: string };
  const stranger = await scripted.fetch(path, { headers: { authorization: `Bearer ${trial.key}` } });
  expect([stranger.status, await stranger.json()]).toMatchObject([404, { error: { code: 'job_not_found' } }]);
  expect((await scripted.fetch(path, { headers: { authorization: '' } })).status).toBe(401);
});
