import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { price, LAUNCH_RATES } from '@ciro/core/pricing/price.ts';
import { workerId } from '@ciro/signaling/evidence/job-record.fixture.ts';
import { SchedulerError } from '@ciro/signaling/scheduler/scheduler-error.ts';
import type { JobOrder } from '@ciro/signaling/scheduler/job-order.ts';
import { eventsOfStream, ScriptedCoordinator } from '../support/scripted-coordinator.ts';
import type { Script } from '../support/scripted-runner.ts';

/** End of an answer in the tiny model's vocabulary. */
const END = 2;
const NONCE = 'ab'.repeat(32);
const COMMITMENT = createHash('sha256').update(NONCE, 'hex').digest('hex');

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start();
});
afterAll(() => rm(scripted.folder, { recursive: true, force: true }));

const idsOf = (text: string): number[] => scripted.model.tokenizer.encode(text);
const RIGHT = 'hello the world';
const WRONG = 'hello cruel fate';
let before: bigint;

/** The first job of a request answers wrong, any job that corrects one goes on rightly after what stays. */
function wrongThenRight(order: JobOrder): Script {
  if (order.exclude.length === 0) return { ids: [...idsOf(WRONG), END] };
  return { ids: [...idsOf(RIGHT), END].slice(order.promptIds.length - (scripted.runner.orders[0]?.promptIds.length ?? 0)) };
}
/** Ids at the beginning of the wrong answer that are right. */
const kept = (): number => idsOf(RIGHT).findIndex((id, index) => id !== idsOf(WRONG)[index]);
/** The position at which the first wrong id is drawn. */
const wrongFrom = (promptTokens: number): number => promptTokens - 1 + kept();
/** Stage 1 of every job that corrects nothing fails, from the first wrong id on. */
const failFirst: typeof scripted.audits.verdicts = ({ record }) => {
  const { job } = record.signed.plan;
  const first = scripted.runner.orders.find((order) => order.job === job)?.exclude.length === 0;
  return first ? ['passed', ['failed', wrongFrom(record.promptIds.length)], 'passed'] : ['passed', 'passed', 'passed'];
};

beforeEach(async () => {
  scripted.runner.script = { ids: [...idsOf(RIGHT), END] };
  scripted.runner.scriptFor = undefined;
  scripted.runner.orders.length = 0;
  scripted.audits.verdicts = () => [];
  scripted.audits.gate = () => undefined;
  scripted.audits.considered.length = 0;
  before = await scripted.balance();
});

const jobOf = (response: Response): string => response.headers.get('x-ciro-job') ?? '';
const feed = async (job: string, init: RequestInit = {}): Promise<{ type: string; [field: string]: unknown }[]> =>
  (await eventsOfStream(await scripted.fetch(`/v1/jobs/${job}/events`, init))).data as { type: string }[];
const statusOf = async (job: string): Promise<unknown> => (await scripted.fetch(`/v1/jobs/${job}`)).json();
const open = (job: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
  scripted.fetch(`/v1/jobs/${job}/nonce`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), ...init });
const codeOf = async (response: Response): Promise<[number, string]> => [response.status, ((await response.json()) as { error: { code: string } }).error.code];
async function otherKey(): Promise<{ headers: Record<string, string> }> {
  const { key } = (await (await scripted.fetch('/v1/trial', { method: 'POST' })).json()) as { key: string };
  return { headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } };
}

it('tells what happens to a job from its beginning, to its own account only, and ends when it is settled', async () => {
  const { promise: audited, resolve: decide } = Promise.withResolvers<void>();
  scripted.audits.gate = () => audited;
  const job = jobOf(await scripted.ask());
  const live = feed(job);
  await expect.poll(() => scripted.audits.considered.length).toBe(1);
  expect(await statusOf(job)).toEqual({ object: 'job', id: job, status: 'recorded', phase: 'verifying', jobs_ahead: null, created: expect.any(Number), assurance: 'stream', usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) }, audits: [0, 1, 2].map((stage) => ({ stage, status: 'pending' })), corrects: null, corrected_by: null, continues: null, continued_by: null, error: null, events: `/v1/jobs/${job}/events`, answer: `/v1/jobs/${job}/answer`, evidence: `/v1/jobs/${job}/evidence` });
  // The evidence is given as soon as there is any.
  expect(await (await scripted.fetch(`/v1/jobs/${job}/evidence`)).json()).toMatchObject({ status: 'recorded', assurance: 'stream', stages: [0, 1, 2].map(() => ({ audit_status: 'pending' })), draw: null, audits: [] });
  decide();
  const events = await live;
  expect(events).toEqual([
    { type: 'queued', ahead: 0 }, { type: 'started' }, { type: 'finished', finish_reason: 'stop' }, { type: 'recorded', roots: ['0x1', '0x1', '0x1'] },
    ...[0, 1, 2].map((stage) => ({ type: 'audited', stage, status: 'passed by' })), { type: 'settled' },
  ]);
  expect(await feed(job)).toEqual(events);
  const stranger = await otherKey();
  for (const path of ['', '/events', '/evidence']) expect(await codeOf(await scripted.fetch(`/v1/jobs/${job}${path}`, stranger)), path).toEqual([404, 'job_not_found']);
  expect(await codeOf(await open(job, { nonce: NONCE }, stranger))).toEqual([404, 'job_not_found']);
  expect(await codeOf(await scripted.fetch(`/v1/jobs/${'f'.repeat(32)}/events`))).toEqual([404, 'job_not_found']);
  expect((await scripted.fetch(`/v1/jobs/${job}/events`, { headers: { authorization: '' } })).status).toBe(401);
});

it('a job that fails says so and why', async () => {
  scripted.runner.script = { ids: [], failAfter: { tokens: 0, error: new SchedulerError('stalled', 'no token for 30 s', { fault: 'timeout' }) } };
  const job = jobOf(await scripted.ask());
  expect((await feed(job)).at(-1)).toEqual({ type: 'failed', code: 'stalled', message: 'no token for 30 s' });
  await expect.poll(() => statusOf(job)).toMatchObject({ status: 'failed', error: { code: 'stalled' }, audits: [] });
});

it('A1, A2: the client opens its nonce once, after the roots; any other is refused by name and changes nothing', async () => {
  const { promise: recorded, resolve: record } = Promise.withResolvers<void>();
  const { promise: audited, resolve: decide } = Promise.withResolvers<void>();
  scripted.runner.script = { ...scripted.runner.script, record: () => recorded };
  scripted.audits.gate = () => audited;
  const job = jobOf(await scripted.ask({ ciro: { nonce_commitment: COMMITMENT } }));
  const early = await open(job, { nonce: NONCE });
  expect(early.headers.get('retry-after')).toBe('1');
  expect(await codeOf(early)).toEqual([409, 'nonce_too_early']);
  record();
  await expect.poll(() => scripted.audits.considered.length).toBe(1);
  for (const body of [{}, { nonce: 7 }, { nonce: NONCE.toUpperCase() }, { nonce: NONCE, more: 1 }, [NONCE]]) expect(await codeOf(await open(job, body))).toEqual([400, 'bad_request']);
  expect(await codeOf(await open(job, { nonce: 'cd'.repeat(32) }))).toEqual([400, 'nonce_mismatch']);
  expect([...scripted.audits.nonces.keys()]).not.toContain(job);
  const taken = await open(job, { nonce: NONCE });
  expect([taken.status, await taken.json()]).toEqual([200, { object: 'job.nonce', job, status: 'taken' }]);
  expect(scripted.audits.nonces.get(job)).toBe(NONCE);
  expect(await codeOf(await open(job, { nonce: NONCE }))).toEqual([409, 'nonce_too_late']);
  decide();
  await feed(job);
  await expect.poll(async () => (await codeOf(await open(job, { nonce: NONCE })))[1]).toBe('nonce_too_late');
});

it('a job that was asked without a commitment takes no nonce', async () => {
  const { promise: audited, resolve: decide } = Promise.withResolvers<void>();
  scripted.audits.gate = () => audited;
  const job = jobOf(await scripted.ask());
  expect(await codeOf(await open(job, { nonce: NONCE }))).toEqual([400, 'nonce_unexpected']);
  decide();
  expect((await feed(job)).at(-1)).toEqual({ type: 'settled' });
});

it('M7: a streamed answer that fails is corrected: told to who follows, linked in the evidence, the first paid back, the second charged', async () => {
  scripted.runner.scriptFor = wrongThenRight;
  scripted.audits.verdicts = failFirst;
  const response = await scripted.ask({ stream: true, max_tokens: 40 });
  const job = jobOf(response);
  expect((await eventsOfStream(response)).done).toBe(true);
  const events = await feed(job);
  const prompt = scripted.runner.orders[0]?.promptIds.length ?? 0;
  const again = scripted.runner.orders[1]?.job;
  expect(events.slice(-5)).toEqual([
    { type: 'audited', stage: 0, status: 'passed' }, { type: 'audited', stage: 1, status: 'failed' }, { type: 'audited', stage: 2, status: 'passed' },
    { type: 'corrected', job: again, from_position: wrongFrom(prompt), text: RIGHT }, { type: 'settled' },
  ]);
  expect(scripted.runner.orders[1]).toMatchObject({ exclude: [workerId(2)], maxTokens: 40 - kept(), requesterNonce: null });
  expect([...(scripted.runner.orders[1]?.promptIds ?? [])]).toEqual([...(scripted.runner.orders[0]?.promptIds ?? []), ...idsOf(WRONG).slice(0, kept())]);
  const [first, second] = await Promise.all([job, again].map(async (id) => (await scripted.fetch(`/v1/jobs/${id}/evidence`)).json()));
  expect(first).toMatchObject({ text: WRONG, corrects: null, corrected_by: again });
  expect(second).toMatchObject({ text: RIGHT, corrects: job, corrected_by: null, assurance: 'stream' });
  expect(await statusOf(job)).toMatchObject({ corrected_by: again });
  expect(await scripted.balance()).toBe(before - price(LAUNCH_RATES, prompt + kept(), [...idsOf(RIGHT), END].length - kept()));
});

it.each([true, false])('checked, streaming %s: nothing is given out before the audits, the right answer afterwards, the wrong one never', async (stream) => {
  const gates: (() => void)[] = [];
  scripted.runner.scriptFor = wrongThenRight;
  scripted.audits.verdicts = failFirst;
  scripted.audits.gate = () => new Promise<void>((resolve) => gates.push(resolve));
  const asking = scripted.ask({ stream, max_tokens: 40, ciro: { assurance: 'checked' } });
  let given = '';
  const whole = asking.then(async (response) => {
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) given += piece;
    return jobOf(response);
  });
  await expect.poll(() => gates.length).toBe(1);
  const job = scripted.runner.orders[0]?.job ?? '';
  const held = await scripted.fetch(`/v1/jobs/${job}/evidence`);
  expect([held.status, await held.json()]).toEqual([202, { status: 'auditing', job }]);
  gates[0]?.();
  await expect.poll(() => gates.length).toBe(2);
  expect(given).not.toMatch(/hello|cruel/);
  gates[1]?.();
  expect(await whole).toBe(job);
  const again = scripted.runner.orders[1]?.job;
  expect(given).not.toContain('cruel');
  expect(given).toContain(RIGHT);
  expect(given).toContain(`"ciro":{"job":"${job}","tracking_url":"${scripted.coordinator.url}/v1/jobs/${job}","evidence":"/v1/jobs/${job}/evidence","assurance":"checked","price":{`);
  expect(given).toContain(`},"corrected_by":"${again}"}`);
  expect((await feed(job)).filter(({ type }) => type === 'corrected')).toEqual([{ type: 'corrected', job: again, from_position: wrongFrom(scripted.runner.orders[0]?.promptIds.length ?? 0), text: RIGHT }]);
  if (!stream) expect((JSON.parse(given) as { usage: object }).usage).toMatchObject({ completion_tokens: [...idsOf(RIGHT), END].length });
});

it.each([true, false])('checked, streaming %s: what cannot be done again is refused by name, and costs nothing', async (stream) => {
  scripted.runner.scriptFor = (order) => (order.exclude.length === 0 ? wrongThenRight(order) : { ids: [], failAfter: { tokens: 0, error: new SchedulerError('no-workers', 'no tab contributes at the moment', { fault: 'platform' }) } });
  scripted.audits.verdicts = failFirst;
  const response = await scripted.ask({ stream, ciro: { assurance: 'checked' } });
  const text = await response.text();
  expect(response.status).toBe(stream ? 200 : 502);
  expect(text).toContain('"type":"server_error","param":null,"code":"answer_unverified"');
  expect(text).not.toMatch(/cruel|DONE/);
  expect((await feed(jobOf(response) || (scripted.runner.orders[0]?.job ?? ''))).slice(-2)).toMatchObject([{ type: 'uncorrected', code: 'no-workers' }, { type: 'settled' }]);
  await expect.poll(() => scripted.balance()).toBe(before);
});

it('two clients at once: one answer fails its audit and is corrected, the other is not touched', async () => {
  scripted.runner.scriptFor = (order) => ({ ids: [...idsOf(RIGHT), END].slice(order.exclude.length === 0 ? 0 : kept()) });
  scripted.audits.verdicts = (job) => (job.assurance === 'checked' ? failFirst(job) : []);
  const [wrong, fine] = await Promise.all([scripted.ask({ stream: true, ciro: { assurance: 'checked' } }), scripted.ask({ stream: true })]);
  const [first, second] = [await eventsOfStream(wrong), await eventsOfStream(fine)];
  expect([first.done, second.done]).toEqual([true, true]);
  expect(first.data.at(-1)).toMatchObject({ ciro: { corrected_by: expect.any(String) } });
  expect(second.data.at(-1)).not.toMatchObject({ ciro: { corrected_by: expect.any(String) } });
  expect((await feed(jobOf(fine))).map(({ type }) => type)).not.toContain('corrected');
});

it('a client that hangs up while its answer is checked is not given it again; the audit is decided all the same', async () => {
  const stop = new AbortController();
  const { promise: audited, resolve: decide } = Promise.withResolvers<void>();
  scripted.runner.scriptFor = wrongThenRight;
  scripted.audits.verdicts = failFirst;
  scripted.audits.gate = () => audited;
  const asking = scripted.ask({ stream: true, ciro: { assurance: 'checked' } }, { signal: stop.signal }).then((response) => response.text());
  await expect.poll(() => scripted.audits.considered.length).toBe(1);
  stop.abort();
  await expect(asking).rejects.toThrow('abort');
  await new Promise((resolve) => setTimeout(resolve, 100));
  decide();
  const job = scripted.runner.orders[0]?.job ?? '';
  expect((await feed(job)).slice(-2)).toMatchObject([{ type: 'uncorrected', code: 'cancelled' }, { type: 'settled' }]);
  expect(scripted.runner.orders).toHaveLength(1);
  expect(await scripted.balance()).toBe(before);
});

it('followers of one job are limited; those who leave make room', async () => {
  const { promise: audited, resolve: decide } = Promise.withResolvers<void>();
  scripted.audits.gate = () => audited;
  const job = jobOf(await scripted.ask());
  const leaving = Array.from({ length: 8 }, () => new AbortController());
  const responses = await Promise.all(leaving.map(({ signal }) => scripted.fetch(`/v1/jobs/${job}/events`, { signal })));
  expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(200));
  expect(await codeOf(await scripted.fetch(`/v1/jobs/${job}/events`))).toEqual([429, 'too_many_followers']);
  leaving[0]?.abort();
  await expect.poll(async () => {
    const again = new AbortController();
    const { status } = await scripted.fetch(`/v1/jobs/${job}/events`, { signal: again.signal });
    again.abort();
    return status;
  }).toBe(200);
  decide();
  for (const response of responses.slice(1)) expect(await response.text()).toContain('settled');
});

it('a restart in the middle of audits: a stream is charged and its workers paid, a checked answer is paid back; both are over', async () => {
  scripted.audits.gate = () => new Promise(() => undefined);
  const stream = jobOf(await scripted.ask());
  const asking = scripted.ask({ ciro: { assurance: 'checked' } });
  await expect.poll(() => scripted.audits.considered.length).toBe(2);
  const checked = scripted.runner.orders[1]?.job ?? '';
  const prompt = scripted.runner.orders[0]?.promptIds.length ?? 0;
  const { folder } = scripted;
  await scripted.coordinator.close();
  expect(await codeOf(await asking)).toEqual([503, 'stopping']);
  scripted = await ScriptedCoordinator.start({ folder });
  expect(await scripted.balance()).toBe(before - price(LAUNCH_RATES, prompt, [...idsOf(RIGHT), END].length));
  expect((await feed(stream)).map(({ type }) => type)).toEqual(['finished', 'recorded', 'settled']);
  expect(await (await scripted.fetch(`/v1/jobs/${stream}/evidence`)).json()).toMatchObject({ ledger: { credits: [1, 2, 3].map(() => ({ status: 'payable' })) } });
  expect((await feed(checked)).at(-1)).toEqual({ type: 'settled' });
  expect((await scripted.fetch(`/v1/jobs/${checked}/evidence`)).status).toBe(200);
  await scripted.coordinator.close();
});

