import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ScriptedCoordinator } from '../support/scripted-coordinator.ts';

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start();
});
afterAll(() => scripted[Symbol.asyncDispose]());

const TEXT = 'hello the world';
beforeEach(() => {
  scripted.runner.orders.length = 0;
  scripted.runner.script = { ids: scripted.model.tokenizer.encode(TEXT) };
});

const INPUT = { model: 'default', messages: [{ role: 'user', content: 'go' }], max_tokens: 20 };
interface Reply {
  readonly status: number;
  readonly body: { readonly id: string; readonly data: readonly { readonly id: string; readonly status: string }[]; readonly has_more: boolean; readonly last_id: string; readonly error: { readonly code: string; readonly param: string | null }; readonly tracking_url: string };
  readonly headers: Headers;
}
async function call(path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await scripted.fetch(path, init);
  return { status: response.status, body: (await response.json()) as Reply['body'], headers: response.headers };
}
const submit = (body: object, headers: Record<string, string> = {}): Promise<Reply> => call('/v1/jobs', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
const textOf = async (job: string): Promise<string> => [...(await (await scripted.fetch(`/v1/jobs/${job}/answer`)).text()).matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text).join('');
const settled = async (job: string): Promise<void> => {
  await expect.poll(async () => (await (await scripted.fetch(`/v1/jobs/${job}/events`)).text()).includes('"settled"')).toBe(true);
};

it('I20: a job is taken at once, carried out without anybody who waits, and read afterwards', async () => {
  const taken = await submit({ kind: 'chat', input: INPUT });
  const job = taken.body.id;
  expect(taken).toMatchObject({ status: 202, body: { object: 'job', status: 'running', phase: 'queued', events: `/v1/jobs/${job}/events`, answer: `/v1/jobs/${job}/answer`, evidence: `/v1/jobs/${job}/evidence` } });
  expect([taken.headers.get('x-ciro-job'), taken.headers.get('location')]).toEqual([job, taken.body.tracking_url]);
  await settled(job);
  expect(await textOf(job)).toBe(TEXT);
  expect(await (await fetch(taken.body.tracking_url, { headers: { authorization: `Bearer ${scripted.coordinator.trialKey}` } })).json()).toMatchObject({ id: job, status: 'recorded', phase: 'settled', jobs_ahead: null, usage: { completion_tokens: scripted.runner.script.ids.length }, answer: `/v1/jobs/${job}/answer` });
});

it('I21: the same key and request is the same job, and is paid once; another request with that key is refused; one that was refused may be tried again', async () => {
  const before = await scripted.balance();
  const key = { 'idempotency-key': 'one' };
  const both = await Promise.all([submit({ kind: 'chat', input: INPUT }, key), submit({ kind: 'chat', input: INPUT }, key)]);
  const [first] = both.filter(({ status }) => status === 202);
  const job = first?.body.id ?? '';
  // Of two at once one may be told to ask again in a second.
  for (const { status, body } of both) expect(status === 202 ? body.id : body.error.code).toBe(status === 202 ? job : 'idempotency_in_progress');
  await settled(job);
  expect((await submit({ kind: 'chat', input: INPUT }, key)).body.id).toBe(job);
  expect(scripted.runner.orders.map((order) => order.job)).toEqual([job]);
  const price = before - (await scripted.balance());
  expect((await submit({ kind: 'chat', input: { ...INPUT, max_tokens: 19 } }, key))).toMatchObject({ status: 409, body: { error: { code: 'idempotency_conflict', param: 'Idempotency-Key' } } });
  const other = await submit({ kind: 'chat', input: INPUT }, { 'idempotency-key': 'two' });
  expect(other.body.id).not.toBe(job);
  await settled(other.body.id);
  expect(before - (await scripted.balance())).toBe(2n * price);
  const tooMuch = { kind: 'chat', input: { ...INPUT, model: 'nothing' } };
  for (let attempt = 0; attempt < 2; attempt++) expect((await submit(tooMuch, { 'idempotency-key': 'three' })).body.error.code).toBe('model_not_found');
});

it('I20: at its deadline a job is called off: before its first token nothing is charged', async () => {
  const before = await scripted.balance();
  const release = Promise.withResolvers<void>();
  scripted.runner.script = { ids: scripted.model.tokenizer.encode(TEXT), gate: () => release.promise };
  const taken = await submit({ kind: 'chat', input: INPUT, deadline: new Date(Date.now() + 1_000).toISOString() });
  expect(taken.status).toBe(202);
  await expect.poll(() => scripted.runner.stops).toContain('cancelled');
  release.resolve();
  await expect.poll(async () => (await call(`/v1/jobs/${taken.body.id}`)).body).toMatchObject({ status: 'failed', phase: 'cancelled', error: { code: 'cancelled' } });
  expect(await scripted.balance()).toBe(before);
});

it('I22: jobs are listed in pages, the newest first, each account\'s its own', async () => {
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.unshift((await submit({ kind: 'chat', input: INPUT })).body.id);
  const first = await call('/v1/jobs?limit=2');
  const second = await call(`/v1/jobs?limit=2&after=${first.body.last_id}`);
  expect([...first.body.data, ...second.body.data].map(({ id }) => id)).toEqual(made.slice(0, 4));
  expect([first.body.has_more, first.body.data[0]?.status]).toEqual([true, expect.stringMatching(/running|recorded/)]);
  const { key } = (await (await fetch(`${scripted.coordinator.url}/v1/trial`, { method: 'POST' })).json()) as { key: string };
  const theirs = { headers: { authorization: `Bearer ${key}` } };
  expect((await call('/v1/jobs', theirs)).body).toMatchObject({ data: [], has_more: false });
  expect((await call(`/v1/jobs/${made[0]}`, theirs)).status).toBe(404);
  for (const query of ['limit=0', 'limit=101', 'limit=x', 'after=1']) expect((await call(`/v1/jobs?${query}`)).body.error.code).toBe('bad_request');
});

it('I20: what is no job is refused by its field, and a kind that nobody does by those that there are', async () => {
  expect(await submit({ kind: 'sha256', input: {} })).toMatchObject({ status: 404, body: { error: { code: 'task_not_available', param: 'kind' } } });
  expect(await submit({ kind: 'chat', input: INPUT, region: 'eu' })).toMatchObject({ status: 400, body: { error: { code: 'bad_job', param: 'region' } } });
  expect(scripted.runner.orders).toEqual([]);
});

it('I23: a command in the last message is answered at no cost, whole and streamed, and a task that nobody does is an error', async () => {
  const before = await scripted.balance();
  const whole = await scripted.ask({ messages: [{ role: 'user', content: '/models' }] });
  expect([whole.status, whole.headers.get('x-ciro-job'), await whole.json()]).toMatchObject([200, null, { choices: [{ message: { content: expect.stringContaining('(default)') }, finish_reason: 'stop' }], usage: { total_tokens: 0 }, ciro: { command: '/models' } }]);
  const streamed = await (await scripted.ask({ messages: [{ role: 'user', content: '/help' }], stream: true })).text();
  expect([streamed.includes('/price'), streamed.trimEnd().endsWith('data: [DONE]')]).toEqual([true, true]);
  const refused = await scripted.ask({ messages: [{ role: 'user', content: '/run sentiment "Hello world"' }] });
  expect([refused.status, await refused.json()]).toMatchObject([404, { error: { code: 'task_not_available' } }]);
  expect([scripted.runner.orders, await scripted.balance()]).toEqual([[], before]);
});
