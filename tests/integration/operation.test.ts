import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AuditedNetwork } from '../support/audited-network.ts';
import { rawRequest } from '../support/raw-request.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import type { AddressInfo } from 'node:net';
import type { RawAnswer } from '../support/raw-request.ts';

const MAX_TOKENS = 20;
const SEEDS = [1, 2, 3, 4];
const PROMPT = 'a prompt that nobody else may read';
/** Of a documentation range: as a proxy on this machine passes it on. */
const CLIENT = '203.0.113.77';
const TOKEN = 'a-token-for-metrics-0123456789';

/** Stands where an operator's collector is. */
const traces: string[] = [];
const collector = createServer((incoming, answer) => void text(incoming).then((body) => (traces.push(body), answer.end())));
let net: AuditedNetwork;
const lines: string[] = [];
let before: string;
let readyBefore: Response;
beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  net = await AuditedNetwork.start({ options: { expectWorkers: SEEDS.length, traces: { endpoint }, operatorToken: TOKEN, logLevel: 'trace', logSink: { write: (line) => lines.push(line) } } });
  readyBefore = await net.fetch('/ready');
  for (const seed of SEEDS) await net.join({ seed });
  await net.coordinator.whenReady(AbortSignal.timeout(20_000));
  before = await metrics();
});
afterAll(async () => {
  await net[Symbol.asyncDispose]();
  collector.closeAllConnections();
  collector.close();
});

const metrics = async (): Promise<string> => (await net.fetch('/metrics')).text();
/** One number of a scrape. */
const valueOf = (text: string, series: string): number => Number(text.split('\n').find((line) => line.startsWith(`${series} `))?.slice(series.length + 1));

const raw = (path: string, headers: Record<string, string>): Promise<RawAnswer> => rawRequest(net.coordinator.url, path, headers);

it('O2: not ready while tabs are missing, and says so; ready once a ring can answer, while /health says ok in both', async () => {
  expect([readyBefore.status, readyBefore.headers.get('cache-control')]).toEqual([503, 'no-store']);
  expect(await readyBefore.json()).toMatchObject({ ready: false, reasons: [expect.stringContaining('more tabs must join')] });
  const after = await net.fetch('/ready');
  expect([after.status, await after.json()]).toMatchObject([200, { ready: true, reasons: [], checks: [{ name: 'store', ok: true }, { name: 'model', ok: true }, { name: 'accepting', ok: true }, { name: 'ring', ok: true }] }]);
  expect(await (await net.fetch('/health')).json()).toMatchObject({ status: 'ok' });
});

it('O1, O3: a job shows in the metrics, which name nobody; in the log of everything there is no key, prompt, answer or address', async () => {
  const response = await net.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ ...net.request({ max_tokens: MAX_TOKENS, stream: true }), messages: [{ role: 'user', content: PROMPT }] }) });
  const id = response.headers.get('x-request-id');
  const job = response.headers.get('x-ciro-job') ?? '';
  const { text: streamed } = await eventsOfStream(response);
  const ids = [...streamed.matchAll(/<\d+>/g)].map(([found]) => found);
  expect(ids).toHaveLength(MAX_TOKENS);
  // The feed ends when every stage is decided.
  await eventsOfStream(await net.fetch(`/v1/jobs/${job}/events`));

  const after = await metrics();
  const rose = (series: string): number => valueOf(after, series) - (valueOf(before, series) || 0);
  expect(rose('ciro_jobs_total{outcome="answered"}')).toBe(1);
  expect(rose('ciro_tokens_total{kind="generated"}')).toBe(MAX_TOKENS);
  expect(rose('ciro_job_setup_seconds_count')).toBe(1);
  expect(rose('ciro_answer_seconds_count{length="short"}')).toBe(1);
  expect(rose('ciro_audit_seconds_count')).toBe(1);
  expect(rose('ciro_audited_stages_total{outcome="passed"}')).toBe(3);
  expect(rose('ciro_worker_credits_total{status="pending"}')).toBeGreaterThan(0);
  expect(rose('ciro_http_requests_total{route="/v1/chat/completions",method="POST",status="2xx"}')).toBe(1);
  expect(valueOf(after, 'ciro_workers{state="stage"}')).toBe(3);
  expect(valueOf(after, 'ciro_pool_credits')).toBeGreaterThan(0);
  expect(valueOf(after, 'ciro_ready{check="ring"}')).toBe(1);
  expect(valueOf(after, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);

  await raw(`/v1/jobs/${job}?key=${net.coordinator.trialKey}`, { host: 'localhost', authorization: 'Bearer wrong-token-0123456789', 'x-forwarded-for': CLIENT });
  await raw('/v1/nowhere/with-something-of-a-client', { host: 'localhost', 'x-forwarded-for': CLIENT });

  const log = lines.join('');
  const account = ((await (await net.fetch('/v1/account')).json()) as { account: string }).account;
  const secrets = [net.coordinator.trialKey, PROMPT, 'wrong-token-0123456789', CLIENT, 'with-something-of-a-client', ids.slice(0, 3).join('')];
  for (const secret of secrets) {
    expect(log, secret).not.toContain(secret);
    expect(after, secret).not.toContain(secret);
  }
  // Who is who stands in no metric, not even as an id.
  for (const name of [job, account, id ?? '', ...net.workers.keys()]) expect(after, name).not.toContain(name);
  const labels = after.split('\n').filter((line) => !line.startsWith('#')).flatMap((line) => [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => `${label}=${value}`));
  expect(labels.filter((label) => /[0-9a-f]{16}/.test(label))).toEqual([]);

  // It is a log all the same: one JSON object a line, and this request is in it, with its address under another name.
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(entries.find(({ reqId }) => reqId === id)).toMatchObject({ level: 'info', msg: 'request', method: 'POST', route: '/v1/chat/completions', status: 200, ms: expect.any(Number), address: expect.stringMatching(/^a-[0-9a-f]{16}$/) });
  const refused = entries.filter(({ status }) => status === 401 || status === 404);
  expect(new Set(refused.map(({ address }) => address)).size).toBe(1);
  expect(entries.filter(({ level }) => level === 'error')).toEqual([]);
});

it('O1: metrics are read by programs of this machine only: not through a proxy, not by a page that points its name here', async () => {
  const read = async (headers: Record<string, string>): Promise<number> => (await raw('/metrics', headers)).status;
  const { port } = new URL(net.coordinator.url);
  for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]']) expect(await read({ host }), host).toBe(200);
  const forbidden: Record<string, string>[] = [{ host: 'evil.example' }, { host: 'localhost', 'x-forwarded-for': '127.0.0.1' }, { host: 'localhost', 'x-forwarded-proto': 'https' }, { host: 'localhost', forwarded: 'for=::1' }, { host: 'localhost', via: '1.1 proxy' }];
  for (const headers of forbidden) expect(await read(headers), JSON.stringify(headers)).toBe(403);
  expect(JSON.parse((await raw('/metrics', { host: 'evil.example' })).body)).toMatchObject({ error: { code: 'metrics_local_only', message: expect.stringContaining('CIRO_METRICS_TOKEN') } });
});

it('O5: an alert with the operator’s token drains the worker that it names, if another one is spare; it is placed no more, and its ring goes on', async () => {
  const placed = async (): Promise<string[]> => ((await (await net.fetch('/health')).json()) as { rings: { stages: { worker: string }[] }[] }).rings.flatMap(({ stages }) => stages.map(({ worker }) => worker));
  const alert = (labels: object, authorization = `Bearer ${TOKEN}`, status = 'firing'): Promise<Response> =>
    fetch(`${net.coordinator.url}/operator/alerts`, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify({ version: '4', status, alerts: [{ status, labels: { alertname: 'Bad', ...labels }, annotations: {} }] }) });
  const drained = async (response: Promise<Response>): Promise<unknown> => ((await (await response).json()) as { drained: unknown }).drained;
  const [first = '', second = ''] = await placed();
  expect((await alert({ drain: 'true', node_id: first }, 'Bearer wrong')).status).toBe(401);
  expect((await alert({ drain: 'true', node_id: 'nobody' })).status).toBe(400);
  // No label, over already, or nobody stands out.
  for (const response of [alert({ node_id: first }), alert({ drain: 'true', node_id: first }, undefined, 'resolved'), alert({ drain: 'true' })]) expect(await drained(response)).toEqual([]);
  expect(await drained(alert({ drain: 'true', node_id: first }))).toEqual([first]);
  await expect.poll(placed).not.toContain(first);
  await expect.poll(async () => (await net.fetch('/ready')).status).toBe(200);
  // Three are left for three stages.
  expect(await drained(alert({ drain: 'true', node_id: second }))).toEqual([]);
  expect((await net.ask({ max_tokens: 3 })).status).toBe(200);
});

it('O1, O4: with a token metrics are read with it alone, from anywhere; a drain waits no longer than it is told to', async () => {
  await using other = await AuditedNetwork.start({ options: { metricsToken: TOKEN, publicUrl: 'https://ciro.example.org' } });
  const read = async (authorization: string): Promise<number> => (await fetch(`${other.coordinator.url}/metrics`, { headers: { authorization, 'x-forwarded-for': CLIENT } })).status;
  expect([await read(`Bearer ${TOKEN}`), await read('Bearer '), await read(`Bearer ${TOKEN}x`), await read(TOKEN)]).toEqual([200, 401, 401, 401]);

  // Of HTTPS only who is reached by it speaks; no answer of the API is a page.
  const [plain, secure] = await Promise.all([net.fetch('/v1/models'), other.fetch('/v1/models')]);
  expect([plain.headers.get('strict-transport-security'), secure.headers.get('strict-transport-security')]).toEqual([null, 'max-age=31536000']);
  expect(plain.headers.get('content-security-policy')).toContain("default-src 'none'");

  // Nobody is there to answer it.
  const asking = other.ask({ max_tokens: 5 });
  await expect.poll(() => other.coordinator.answering).toBe(1);
  const limit = new AbortController();
  const drained = other.coordinator.drain(limit.signal);
  expect((await other.ask({ max_tokens: 5 })).status).toBe(503);
  limit.abort();
  await drained;
  await other.coordinator.close();
  const refused = await asking;
  expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: expect.any(String) } }]);
});

it('O6: a job that is over is at the collector, step by step, and nothing of what was said', async () => {
  const response = await net.ask({ max_tokens: 5 });
  const job = response.headers.get('x-ciro-job') ?? '';
  expect(response.status).toBe(200);
  await eventsOfStream(await net.fetch(`/v1/jobs/${job}/events`));
  const spans = (): { traceId: string; name: string }[] => traces.flatMap((body) => (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: { traceId: string; name: string }[] }[] }[] }).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
  await expect.poll(() => spans().filter(({ traceId }) => traceId === job).map(({ name }) => name)).toEqual(['wait', 'prompt', 'answer', 'record', 'audit', 'job']);
  for (const secret of [PROMPT, net.coordinator.trialKey]) expect(traces.join('')).not.toContain(secret);
});
