import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { verifySignature } from '@ciro/signaling/keys/verify-signature.ts';
import { verifyChain } from '@ciro/signaling/ledger/verify-chain.ts';
import { openStore } from '@ciro/signaling/store/open-store.ts';
import { PROMPT_TOKENS, textOf } from '../support/audited-network.ts';
import { KilledCoordinator } from '../support/killed-coordinator.ts';
import { eventsOfStream } from '../support/scripted-coordinator.ts';
import { scriptedId } from '../support/scripted-stage.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';

const MAX_TOKENS = 60;
const RIGHT = textOf(Array.from({ length: MAX_TOKENS }, (_, n) => scriptedId(PROMPT_TOKENS - 1 + n)));
const SEEDS = [1, 2, 3, 4];
/** A stage that computes a row for so long: the answer takes seconds, in which ids are stored. */
const ROW_MS = 20;
const BODY = { model: 'default', messages: [{ role: 'user', content: 'go' }], temperature: 0, seed: 1, max_tokens: MAX_TOKENS, stream: true };

let net: KilledCoordinator;
beforeAll(async () => {
  net = await KilledCoordinator.start({ stages: 3, expectWorkers: SEEDS.length, fabricated: true });
});
afterAll(() => net[Symbol.asyncDispose]());

const joinAll = async (): Promise<void> => {
  await Promise.all(SEEDS.map((seed) => net.join({ seed, computeMs: ({ kind }) => (kind === 'rows' ? ROW_MS : 0) })));
};
const ask = (ciro: object): Promise<Response> => net.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify({ ...BODY, ciro }) });
const ready = async (): Promise<void> => {
  await expect.poll(async () => ((await (await net.fetch('/health')).json()) as { models: [{ ready: boolean }] }).models[0].ready).toBe(true);
};
const textIn = (data: readonly unknown[]): string => data.map((chunk) => (chunk as { choices?: [{ delta?: { content?: string } }] }).choices?.[0]?.delta?.content ?? '').join('');

/** Reads until so much text came, or the stream ends; gives the text and the id of its last event. */
async function readText(response: Response, characters: number): Promise<{ text: string; lastId: string | undefined }> {
  let raw = '';
  for await (const piece of (response.body ?? expect.unreachable('no body')).pipeThrough(new TextDecoderStream())) {
    raw += piece;
    const whole = raw.slice(0, raw.lastIndexOf('\n\n') + 2);
    const text = textIn(whole.split('\n').filter((line) => line.startsWith('data: {')).map((line): unknown => JSON.parse(line.slice(6))));
    if (text.length >= characters) return { text, lastId: [...whole.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] };
  }
  return expect.unreachable(`the stream ended: ${raw.slice(-300)}`);
}

it('G8: an answer that is to keep going is whole after its coordinator was killed: one text, one price', async () => {
  await joinAll();
  await ready();
  const before = await net.balance();
  const asking = await ask({ keep_going: true });
  const job = asking.headers.get('x-ciro-job') ?? '';
  // Ids are stored once a second; text of 30 ids is more than a second old.
  const { text, lastId } = await readText(asking, textOf([100]).length * 30);
  expect(Number(lastId)).toBe(text.length);
  await net.kill();
  await net.again();
  const resumed = net.fetch(`/v1/jobs/${job}/answer`, { headers: { 'last-event-id': String(lastId) } });
  await joinAll();
  const { data, done } = await eventsOfStream(await resumed);
  expect([text + textIn(data), done]).toEqual([RIGHT, true]);

  const events = (await eventsOfStream(await net.fetch(`/v1/jobs/${job}/events`))).data as { type: string }[];
  expect(events.at(-1)).toEqual({ type: 'settled' });
  const evidence = (await (await net.fetch(`/v1/jobs/${job}/evidence?pieces=1`)).json()) as Evidence;
  expect(evidence).toMatchObject({ continues: null, completion_tokens: MAX_TOKENS, plan: { version: 4 } });
  const { checks } = await verifyAnswer(JSON.parse(JSON.stringify({ ...evidence, request: BODY, answer_text: RIGHT })), { verifySignature });
  expect(checks.filter(({ state }) => state === 'failed')).toEqual([]);
  expect(await net.balance()).toBe(before - price(LAUNCH_RATES, PROMPT_TOKENS, MAX_TOKENS));
  // It is on record now: read once more, from the beginning.
  expect(textIn((await eventsOfStream(await net.fetch(`/v1/jobs/${job}/answer`))).data)).toBe(RIGHT);
});

it('G7, M5: one that is not to keep going ends with its coordinator, costs nothing, and says so; the ledger holds together, and no record of a worker notes anything', async () => {
  const before = await net.balance();
  const asking = await ask({});
  const job = asking.headers.get('x-ciro-job') ?? '';
  await readText(asking, textOf([100]).length * 5);
  await net.kill();
  await net.again();
  const gone = await net.fetch(`/v1/jobs/${job}/answer`);
  expect([gone.status, await gone.json()]).toMatchObject([409, { error: { code: 'job_failed', message: expect.stringContaining('the coordinator stopped') } }]);
  expect(await net.balance()).toBe(before);
  await net.kill();
  const store = await openStore({ dataDir: join(net.folder, 'data'), onError: (error) => expect.unreachable(error.message) });
  await verifyChain(store.ledger);
  const balances = await store.ledger.allBalances();
  expect([...balances.values()].reduce((sum, amount) => sum + amount, 0n)).toBe(0n);
  expect([await store.ledger.openHolds(), await store.kept.list()]).toEqual([[], []]);
  const nodes = await store.nodes.list(2 * SEEDS.length);
  // Sums are written twice a minute: of a coordinator that was killed sooner there are none.
  expect(nodes.filter(({ jobsFailed }) => jobsFailed > 0)).toEqual([]);
  await store.close();
});
