import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventsOfStream, ScriptedCoordinator } from '../support/scripted-coordinator.ts';

let scripted: ScriptedCoordinator;
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start();
});
afterAll(() => scripted[Symbol.asyncDispose]());

/** End of an answer in the tiny model's vocabulary: a control token without text. */
const END = 2;
const TEXT = 'hello the world';
/** Opened by each test where its answer stands still. */
let go: () => void;
let reached: Promise<void>;

beforeEach(() => {
  const gate = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  go = gate.resolve;
  reached = arrived.promise;
  scripted.runner.stops.length = 0;
  scripted.runner.script = {
    ids: [...scripted.model.tokenizer.encode(TEXT), END],
    gate: async (step) => {
      if (step !== 2) return;
      arrived.resolve();
      await gate.promise;
    },
  };
});

const textIn = (data: readonly unknown[]): string => data.map((chunk) => (chunk as { choices?: [{ delta?: { content?: string } }] }).choices?.[0]?.delta?.content ?? '').join('');

/** Asks for an answer that keeps going, and hangs up in its middle. */
async function hungUp(): Promise<{ job: string; path: string }> {
  const stop = new AbortController();
  const response = await scripted.ask({ stream: true, ciro: { keep_going: true } }, { signal: stop.signal });
  await reached;
  stop.abort();
  const job = response.headers.get('x-ciro-job') ?? '';
  return { job, path: `/v1/jobs/${job}/answer` };
}

it('G7: an answer that is to keep going goes on when its client hangs up, and is read again from any offset', async () => {
  const { job, path } = await hungUp();
  const reading = scripted.fetch(path, { headers: { 'last-event-id': '3' } });
  const whole = scripted.fetch(path);
  go();
  const { data, done, text } = await eventsOfStream(await reading);
  expect([textIn(data), done]).toEqual([TEXT.slice(3), true]);
  expect(text.match(/^id: (\d+)$/gm)?.at(-1)).toBe(`id: ${TEXT.length}`);
  expect(data.at(-1)).toMatchObject({ id: `chatcmpl-${job}`, usage: { completion_tokens: scripted.runner.script.ids.length }, ciro: { job } });
  expect(textIn((await eventsOfStream(await whole)).data)).toBe(TEXT);
  expect(scripted.runner.stops).toEqual([]);
  for (const [from, rest] of [['7', TEXT.slice(7)], [String(TEXT.length), ''], ['999', '']] as const) expect(textIn((await eventsOfStream(await scripted.fetch(`${path}?from=${from}`))).data)).toBe(rest);
});

it('G7: it is ended by name, by its own account', async () => {
  const { job, path } = await hungUp();
  const { key } = (await (await scripted.fetch('/v1/trial', { method: 'POST' })).json()) as { key: string };
  const stranger = { headers: { authorization: `Bearer ${key}` } };
  expect((await scripted.fetch(path, stranger)).status).toBe(404);
  expect((await scripted.fetch(`/v1/jobs/${job}/cancel`, { method: 'POST', ...stranger })).status).toBe(404);
  expect(scripted.runner.stops).toEqual([]);
  const cancel = () => scripted.fetch(`/v1/jobs/${job}/cancel`, { method: 'POST' });
  expect(await (await cancel()).json()).toEqual({ object: 'job.cancel', job, status: 'taken' });
  expect(scripted.runner.stops).toEqual(['cancelled']);
  go();
  const { data, done } = await eventsOfStream(await scripted.fetch(path));
  expect([data.at(-1), done]).toEqual([{ error: expect.objectContaining({ code: 'cancelled' }) }, false]);
  expect((await cancel()).status).toBe(200);
});

it('an offset that is no number is refused by name, and an unknown job is not found', async () => {
  const { path } = await hungUp();
  go();
  for (const from of ['-1', '1.5', 'x', '1'.repeat(10), '']) {
    const response = await scripted.fetch(`${path}?from=${from}`);
    expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'bad_request', param: 'from' } }]);
  }
  expect((await scripted.fetch('/v1/jobs/none/answer')).status).toBe(404);
  expect((await scripted.fetch(path, { headers: { authorization: '' } })).status).toBe(401);
});

it('without keep_going a stream carries no numbers, and keep_going is true or false', async () => {
  go();
  expect((await eventsOfStream(await scripted.ask({ stream: true }))).text).not.toContain('id: ');
  const response = await scripted.ask({ ciro: { keep_going: 'yes' } });
  expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'ciro.keep_going' } }]);
});
