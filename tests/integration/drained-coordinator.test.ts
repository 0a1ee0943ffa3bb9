import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROMPT_TOKENS, textOf } from '../support/audited-network.ts';
import { KilledCoordinator } from '../support/killed-coordinator.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import { scriptedId } from '../support/scripted-stage.ts';

const SHORT = 40;
const LONG = 120;
const SEEDS = [1, 2, 3, 4];
/** A stage that computes a row for so long: the answers are under way when the stop is asked for. */
const ROW_MS = 10;
const rightOf = (tokens: number): string => textOf(Array.from({ length: tokens }, (_, n) => scriptedId(PROMPT_TOKENS - 1 + n)));

let net: KilledCoordinator;
beforeAll(async () => {
  net = await KilledCoordinator.start({ stages: 3, expectWorkers: SEEDS.length, fabricated: true });
});
afterAll(() => net[Symbol.asyncDispose]());

const joinAll = () => Promise.all(SEEDS.map((seed) => net.join({ seed, computeMs: ({ kind }) => (kind === 'rows' ? ROW_MS : 0) })));
const ask = (tokens: number, ciro: object = {}): Promise<Response> =>
  net.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ model: 'default', messages: [{ role: 'user', content: 'go' }], temperature: 0, seed: 1, max_tokens: tokens, stream: true, ciro }) });
const ready = async (): Promise<{ status: number; retryAfter: string | null; reasons: string[] }> => {
  const response = await net.fetch('/ready');
  return { status: response.status, retryAfter: response.headers.get('retry-after'), reasons: ((await response.json()) as { reasons: string[] }).reasons };
};
const textIn = (data: readonly unknown[]): string => data.map((chunk) => (chunk as { choices?: [{ delta?: { content?: string } }] }).choices?.[0]?.delta?.content ?? '').join('');

it('O4: at SIGTERM the answer under way is given to its end, new questions are refused with the time to come back, one that keeps going is handed to the next start, and the process ends by itself', async () => {
  const workers = await joinAll();
  await expect.poll(async () => (await ready()).status).toBe(200);
  const [short, long] = await Promise.all([ask(SHORT), ask(LONG, { keep_going: true })]);
  const job = long.headers.get('x-ciro-job') ?? '';
  // Its reader leaves: it goes on without.
  const reader = long.body?.getReader();
  await reader?.read();
  await reader?.cancel();

  const ended = net.terminate();
  await expect.poll(async () => (await ready()).reasons).toContain('the coordinator is stopping; ask the next one');
  expect(await ready()).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
  const refused = await ask(1);
  expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toMatchObject([503, '60', { error: { code: 'stopping' } }]);

  const { data, done } = await eventsOfStream(short);
  expect([textIn(data), done]).toEqual([rightOf(SHORT), true]);
  expect(await ended).toBe(0);
  // A tab comes back by itself when the server closed its socket.
  await expect.poll(() => workers.map(({ disconnected }) => disconnected)).toEqual(SEEDS.map(() => 'io server disconnect'));

  await net.again();
  const resumed = net.fetch(`/v1/jobs/${job}/answer`);
  await joinAll();
  const rest = await eventsOfStream(await resumed);
  expect([textIn(rest.data), rest.done]).toEqual([rightOf(LONG), true]);
});
