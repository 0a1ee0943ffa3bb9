import { expect, it } from 'vitest';
import { evidenceFelt, textHash } from '@ciro/core/dispute/case-file.ts';
import { MemoryDisputeStore } from '../disputes/memory-dispute-store.fixture.ts';
import { disputeRoutes } from './dispute-routes.ts';
import { createHttp } from './http-server.ts';
import { openAiError } from './openai-error.ts';
import type { JobId, NodeId } from '@ciro/core/ids.ts';

const TEXT = '{"format":"ciro/case/1"}';
const HASH = textHash(TEXT);

async function served() {
  const store = new MemoryDisputeStore();
  const made = { worker: 'b'.repeat(40) as NodeId, notedAt: 5, fromBlock: 1 as number | null, transaction: null, caseId: null, ruling: null };
  await store.note({ ...made, job: 'a'.repeat(32) as JobId, stage: 1, hash: HASH, accused: '0xacc', ref: '0xa', evidence: evidenceFelt(HASH), state: 'noted', note: '' }, TEXT);
  await store.note({ ...made, job: 'c'.repeat(32) as JobId, stage: 0, hash: null, accused: null, ref: null, evidence: null, state: 'unopened', note: 'gone' }, null);
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error, 'http://here/');
    return reply.code(status).send(body);
  });
  disputeRoutes(app, { disputes: store });
  return { store, get: (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers }) };
}

it('Q1: a case file is published as the bytes that it is named by, under both of its names, for good', async () => {
  const { get } = await served();
  for (const name of [HASH, evidenceFelt(HASH)]) {
    const answer = await get(`/v1/disputes/${name}/file`);
    expect(textHash(answer.body)).toBe(HASH);
    expect(answer.headers).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable', 'content-type': 'application/json; charset=utf-8' });
    expect((await get(`/v1/disputes/${name}/file`, { 'if-none-match': `"${HASH}"` })).statusCode).toBe(304);
  }
});

it('Q1: a case file is given to nobody before the court is told of it', async () => {
  const { store, get } = await served();
  await store.mark({ job: 'a'.repeat(32) as JobId, stage: 1 }, { state: 'noted', note: '', fromBlock: null, transaction: null, caseId: null, ruling: null });
  expect([(await get(`/v1/disputes/${HASH}/file`)).statusCode, (await get(`/v1/disputes/${HASH}`)).statusCode]).toEqual([404, 200]);
});

it('Q3, Q4: the list says where each dispute stands, and a ruling with its transaction', async () => {
  const { store, get } = await served();
  const ruling = { guilty: true, byTimeout: false, slashed: 80n, bondTo: '0xc0', transaction: '0xf1', block: 9 };
  await store.mark({ job: 'a'.repeat(32) as JobId, stage: 1 }, { state: 'closed', note: 'guilty', fromBlock: 1, transaction: '0xf1', caseId: 4, ruling });
  const { object, data } = (await get('/v1/disputes')).json();
  expect([object, data.length, data[0].state, data[0].file]).toEqual(['list', 2, 'unopened', null]);
  expect((await get(`/v1/disputes/${HASH}`)).json()).toEqual(data[1]);
  expect(data[1]).toMatchObject({ object: 'dispute', stage: 1, state: 'closed', case_id: 4, accused: '0xacc', case_file: HASH, file: `/v1/disputes/${HASH}/file`, ruling: { guilty: true, by_timeout: false, slashed: '80', transaction: '0xf1' } });
});

it.each([[`/v1/disputes/${'d'.repeat(64)}`, 404], ['/v1/disputes/0xd', 404], ['/v1/disputes/0x0d', 400], ['/v1/disputes/7', 400], [`/v1/disputes/${'D'.repeat(64)}/file`, 400]])('%s is answered with %i', async (url, status) => {
  expect((await (await served()).get(url)).statusCode).toBe(status);
});
