import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { verifyChain } from '@ciro/signaling/ledger/verify-chain.ts';
import { openStore } from '@ciro/signaling/store/open-store.ts';
import { PROMPT_TOKENS, textOf } from '../support/audited-network.ts';
import { KilledCoordinator } from '../support/killed-coordinator.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import { scriptedId } from '../support/scripted-stage.ts';
import { HOW_TO_HAVE_POSTGRES, openTestPostgres } from '../support/test-database.ts';

const MAX_TOKENS = 60;
const RIGHT = textOf(Array.from({ length: MAX_TOKENS }, (_, n) => scriptedId(PROMPT_TOKENS - 1 + n)));
const SEEDS = [1, 2, 3, 4];
/** A stage that computes a row for so long: the answer takes seconds, in which ids are stored. */
const ROW_MS = 20;
const BODY = { model: 'default', messages: [{ role: 'user', content: 'go' }], temperature: 0, seed: 1, max_tokens: MAX_TOKENS, stream: true };

interface Health {
  readonly connections: number;
  readonly instances: readonly { readonly number: number; readonly leads: boolean; readonly workers: number; readonly rings: number }[];
}

/** Reads so many events of a stream, and hangs up. */
async function readPieces(response: Response, pieces: number): Promise<string> {
  let raw = '';
  for await (const piece of (response.body ?? expect.unreachable('no body')).pipeThrough(new TextDecoderStream())) {
    raw += piece;
    if (raw.split('\n\n').length > pieces) break;
  }
  return raw.slice(0, raw.lastIndexOf('\n\n'));
}

const postgres = await openTestPostgres('several coordinators');
afterAll(() => postgres?.[Symbol.asyncDispose]());

describe.skipIf(postgres === undefined)(`two coordinators over one database (to run it: ${HOW_TO_HAVE_POSTGRES})`, () => {
  let database: { readonly url: string; readonly drop: () => Promise<void> };
  let first: KilledCoordinator;
  let second: KilledCoordinator;
  beforeAll(async () => {
    database = (await postgres?.newDatabase()) ?? expect.unreachable('there is no PostgreSQL');
    const wish = { stages: 3, expectWorkers: SEEDS.length, fabricated: true, databaseUrl: database.url };
    first = await KilledCoordinator.start(wish);
    second = await KilledCoordinator.start(wish, first.folder);
  });
  afterAll(async () => {
    await first?.[Symbol.asyncDispose]();
    await second?.[Symbol.asyncDispose]();
    await database?.drop();
  });

  const health = async (of: KilledCoordinator): Promise<Health> => (await (await of.fetch('/health')).json()) as Health;
  const joinBy = async (door: KilledCoordinator): Promise<void> => {
    await Promise.all(SEEDS.map((seed) => door.join({ seed, computeMs: ({ kind }) => (kind === 'rows' ? ROW_MS : 0) })));
  };
  const ringsOf = async (of: KilledCoordinator): Promise<readonly number[]> => (await health(of)).instances.map(({ rings }) => rings);
  const textIn = (data: readonly unknown[]): string => data.map((chunk) => (chunk as { choices?: [{ delta?: { content?: string } }] }).choices?.[0]?.delta?.content ?? '').join('');

  it('Z1, Z2, Z3: workers that come by either are at home with the first, whose ring answers what is asked of either, and a key of one is good at both', async () => {
    await joinBy(second);
    await expect.poll(() => ringsOf(second)).toEqual([1, 0]);
    expect(await health(second)).toMatchObject({ connections: 0, instances: [{ number: 1, leads: true, workers: SEEDS.length }, { number: 2, leads: false, workers: 0 }] });
    const authorization = `Bearer ${first.door.trialKey}`;
    const asked = await second.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ ...BODY, stream: false, max_tokens: 3 }), headers: { authorization } });
    expect([asked.status, await asked.json()]).toMatchObject([200, { usage: { completion_tokens: 3 } }]);
    const job = asked.headers.get('x-ciro-job') ?? '';
    expect(job).toMatch(/^000001/);
    // Its events are told by whoever is asked.
    const events = (await eventsOfStream(await second.fetch(`/v1/jobs/${job}/events`, { headers: { authorization } }))).data as { type: string }[];
    expect(events.at(-1)).toEqual({ type: 'settled' });
    expect((await second.fetch(`/v1/jobs/${job}/events`)).status).toBe(404);
  });

  it('who hangs up at one ends the answer of the other, and is not charged for more', async () => {
    const before = await second.balance();
    const asking = await second.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(BODY) });
    const job = asking.headers.get('x-ciro-job') ?? '';
    await readPieces(asking, 5);
    const events = (await eventsOfStream(await first.fetch(`/v1/jobs/${job}/events`, { headers: { authorization: `Bearer ${second.door.trialKey}` } }))).data as { type: string; finish_reason?: string }[];
    expect(events.find(({ type }) => type === 'finished')?.finish_reason).toBe('cancelled');
    expect(await second.balance()).toBeGreaterThan(before - price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  });

  it('Z4, Z5, G8: when the one with the ring is killed in the middle, the other leads, its workers come back there, and the answer is whole, with one price', async () => {
    const before = await second.balance();
    const asking = await second.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ ...BODY, ciro: { keep_going: true } }) });
    const job = asking.headers.get('x-ciro-job') ?? '';
    // Ids are stored once a second; 30 of them are more than a second old.
    const lastId = [...(await readPieces(asking, 30)).matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? '';
    expect(Number(lastId)).toBeGreaterThan(0);
    await first.kill();
    await expect.poll(async () => (await health(second)).instances).toMatchObject([{ number: 2, leads: true }]);
    const resumed = second.fetch(`/v1/jobs/${job}/answer`, { headers: { 'last-event-id': lastId } });
    await joinBy(second);
    const { data, done } = await eventsOfStream(await resumed);
    expect([RIGHT.slice(0, Number(lastId)) + textIn(data), done]).toEqual([RIGHT, true]);
    const events = (await eventsOfStream(await second.fetch(`/v1/jobs/${job}/events`))).data as { type: string }[];
    expect(events.at(-1)).toEqual({ type: 'settled' });
    expect(await second.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  });

  it('Z5, M5: the one that was killed comes back with another number; what it left is closed, and the ledger of both holds together', async () => {
    await first.again();
    await expect.poll(async () => (await health(first)).instances.map(({ number, leads }) => [number, leads])).toEqual([[2, true], [3, false]]);
    const asked = await first.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ ...BODY, stream: false, max_tokens: 2 }), headers: { authorization: `Bearer ${second.door.trialKey}` } });
    const job = asked.headers.get('x-ciro-job') ?? '';
    expect([asked.status, job]).toEqual([200, expect.stringMatching(/^000002/)]);
    await eventsOfStream(await first.fetch(`/v1/jobs/${job}/events`, { headers: { authorization: `Bearer ${second.door.trialKey}` } }));
    await first.kill();
    await second.kill();
    const store = await openStore({ dataDir: '', databaseUrl: database.url, onError: (error) => expect.unreachable(error.message) });
    await verifyChain(store.ledger);
    expect([...(await store.ledger.allBalances()).values()].reduce((sum, amount) => sum + amount, 0n)).toBe(0n);
    expect([await store.ledger.openHolds(), await store.kept.list()]).toEqual([[], []]);
    await store.close();
  });
});
