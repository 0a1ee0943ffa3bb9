import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { formatCredits } from '@ciro/core/units.ts';
import { eventsOfStream, ScriptedCoordinator } from '../support/scripted-coordinator.ts';

let scripted: ScriptedCoordinator;
const lines: string[] = [];
beforeAll(async () => {
  scripted = await ScriptedCoordinator.start({ logLevel: 'trace', logSink: { write: (line: string) => void lines.push(line) } });
});
afterAll(() => scripted[Symbol.asyncDispose]());

const TEXT = 'hello the world';
beforeEach(() => {
  scripted.runner.scriptFor = undefined;
  scripted.runner.script = { ids: scripted.model.tokenizer.encode(TEXT) };
});

interface Key {
  readonly id: string;
  readonly key: string;
}
const by = ({ key }: Key): Record<string, string> => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' });
const api = async (path: string, method = 'GET', body?: object, of?: Key): Promise<{ status: number; body: Record<string, unknown> & { error?: { code: string; message: string; param: string | null } } }> => {
  const response = await scripted.fetch(path, { method, headers: of === undefined ? { 'content-type': 'application/json' } : by(of), ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as never };
};
const make = async (body: object): Promise<Key> => (await api('/v1/keys', 'POST', body)).body as unknown as Key;

it('J2: a key is made with what it may do, shown once, listed without its text, and asks for its account', async () => {
  const made = await api('/v1/keys', 'POST', { name: 'app', budget: { total: '500', daily: '0.5' } });
  expect(made).toMatchObject({ status: 201, body: { object: 'api_key', name: 'app', scopes: ['ask', 'read'], budget: { total: '500', daily: '0.5' }, key: expect.stringMatching(/^ciro-sk-/) } });
  const key = made.body as unknown as Key;
  const listed = await api('/v1/keys');
  expect(listed.body).toMatchObject({ data: [{ name: 'trial', this_one: true }, { id: key.id, name: 'app', this_one: false, begins: key.key.slice(0, 12), spent: { total: '0', today: '0' } }] });
  expect(JSON.stringify(listed.body)).not.toContain(key.key.slice(12));
  const asker = await make({ name: 'asker' });
  const before = await scripted.balance();
  expect((await scripted.ask({ max_tokens: 3 }, { headers: by(asker) })).status).toBe(200);
  await expect.poll(async () => (await api('/v1/keys')).body['data']).toContainEqual(expect.objectContaining({ id: asker.id, spent: { total: formatCredits(before - (await scripted.balance())), today: formatCredits(before - (await scripted.balance())) }, last_used_on: new Date().toISOString().slice(0, 10) }));
  expect((await scripted.fetch('/v1/account', { headers: by(asker) })).status).toBe(200);
});

it('J1: what a key may not do is refused, with the scope that it lacks', async () => {
  const [asks, reads] = [await make({ name: 'asks', scopes: ['ask'] }), await make({ name: 'reads', scopes: ['read'] })];
  expect(await api('/v1/account', 'GET', undefined, asks)).toMatchObject({ status: 403, body: { error: { type: 'permission_error', code: 'insufficient_scope', message: expect.stringContaining('read') } } });
  const refused = await scripted.ask({}, { headers: by(reads) });
  expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: 'insufficient_scope' } }]);
  for (const key of [asks, reads]) expect(await api('/v1/keys', 'POST', { name: 'more' }, key)).toMatchObject({ status: 403 });
});

it('J2: a wish that is none is refused by its field', async () => {
  expect(await api('/v1/keys', 'POST', { name: 'a', admin: true })).toMatchObject({ status: 400, body: { error: { code: 'bad_key', param: 'admin', message: expect.stringContaining('no field of a key') } } });
  expect(await api('/v1/keys/ffffffffffffffff', 'DELETE')).toMatchObject({ status: 404, body: { error: { code: 'key_not_found' } } });
});

it('J3: requests at once cannot spend more than a key\'s budget, and what they did not use is given back to it', async () => {
  const key = await make({ name: 'small', budget: { total: '20' } });
  const release = Promise.withResolvers<void>();
  scripted.runner.script = { ids: scripted.model.tokenizer.encode(TEXT), gate: () => release.promise };
  const asking = Array.from({ length: 6 }, () => scripted.ask({ max_tokens: 6 }, { headers: by(key) }));
  const over = await Promise.race(asking.map(async (each) => ((await each).status === 402 ? await each : new Promise<Response>(() => undefined))));
  expect(await over.json()).toMatchObject({ error: { type: 'insufficient_quota', code: 'key_budget_exceeded', message: expect.stringMatching(/of the 20 that it may spend in all/) } });
  release.resolve();
  const statuses = (await Promise.all(asking)).map(({ status }) => status);
  expect([statuses.includes(200), statuses.includes(402)]).toEqual([true, true]);
  const spentOf = async (): Promise<number> => Number(((await api('/v1/keys')).body['data'] as { id: string; spent: { total: string } }[]).find(({ id }) => id === key.id)?.spent.total);
  // The account itself has far more.
  expect(await scripted.balance()).toBeGreaterThan(10n ** 20n);
  // Nothing is held any more: what it has spent is what was charged.
  await expect.poll(spentOf).toBeLessThan(20);
  expect((await scripted.ask({ max_tokens: 1 }, { headers: by(key) })).status).toBe(200);
});

it('J4: a revoked key opens nothing, and the answer that it asked for ends at once; others go on', async () => {
  const [key, other] = [await make({ name: 'gone' }), await make({ name: 'stays' })];
  const release = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  let waiting = 0;
  scripted.runner.script = {
    ids: scripted.model.tokenizer.encode(TEXT),
    gate: async (step) => {
      if (step !== 1) return;
      if (++waiting === 2) reached.resolve();
      await release.promise;
    },
  };
  const [ended, whole] = await Promise.all([key, other].map((each) => scripted.ask({ stream: true, ciro: { keep_going: true } }, { headers: by(each) })));
  await reached.promise;
  expect(await api(`/v1/keys/${key.id}`, 'DELETE')).toMatchObject({ status: 200, body: { id: key.id, deleted: true } });
  expect(await api('/v1/account', 'GET', undefined, key)).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key', message: expect.stringContaining('was revoked') } } });
  release.resolve();
  const finishOf = async (response: Response | undefined): Promise<unknown> => {
    const { data } = await eventsOfStream(response ?? expect.unreachable());
    return data.map((chunk) => (chunk as { choices?: [{ finish_reason?: string }] }).choices?.[0]?.finish_reason ?? (chunk as { error?: { code: string } }).error?.code).filter((reason) => reason !== undefined && reason !== null);
  };
  expect(await finishOf(whole)).toEqual(['length']);
  expect(await finishOf(ended)).not.toContain('length');
  expect(scripted.runner.stops).toContain('cancelled');
  expect(await api(`/v1/keys/${key.id}`, 'DELETE')).toMatchObject({ status: 404 });
});

it('O3: no line of the log, at its most talkative, holds any of these keys', async () => {
  const key = await make({ name: 'logged' });
  await api('/v1/account', 'GET', undefined, key);
  await scripted.fetch(`/v1/keys/${key.key}`, { method: 'DELETE' });
  await scripted.fetch(`/v1/account?key=${key.key}`);
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.filter((line) => /ciro-sk-[A-Za-z0-9_-]{20}/.test(line))).toEqual([]);
});
