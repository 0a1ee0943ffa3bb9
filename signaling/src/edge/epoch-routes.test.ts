import { expect, it } from 'vitest';
import { checkPerformance } from '@ciro/core/settlement/check-performance.ts';
import { verifyEpoch } from '@ciro/core/settlement/verify-epoch.ts';
import { SettledNetwork, WORKERS } from '../settlement/settled-network.fixture.ts';
import { epochRoutes } from './epoch-routes.ts';
import { createHttp } from './http-server.ts';
import { openAiError } from './openai-error.ts';

async function served() {
  const network = new SettledNetwork();
  network.sees(0, { jobs: 3 });
  network.sees(1, { auditsPassed: 1 });
  await network.earn(10, 20);
  await network.run(6);
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error, 'http://here/');
    return reply.code(status).send(body);
  });
  epochRoutes(app, network);
  return { network, get: (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers }) };
}

it('X4: an epoch is published as it was closed, for good, and verifies', async () => {
  const { get } = await served();
  const answer = await get('/v1/epochs/1');
  expect(answer.headers).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable', 'content-type': 'application/json; charset=utf-8' });
  expect(verifyEpoch(answer.json()).verdict).toBe('verified');
  const again = await get('/v1/epochs/1', { 'if-none-match': String(answer.headers['etag']) });
  expect([again.statusCode, again.body]).toEqual([304, '']);
});

it('X8: the list says where each epoch stands, without its entries', async () => {
  const { get } = await served();
  const { object, data } = (await get('/v1/epochs')).json();
  expect([object, data.length]).toEqual(['list', 1]);
  expect(data[0]).toMatchObject({ object: 'epoch', epoch: 1, state: 'claimable', total: '30', count: 2, transaction: expect.stringMatching(/^0x/), block: { hash: expect.stringMatching(/^0xb/) } });
  expect(data[0]).not.toHaveProperty('entries');
});

it('X3: an account is given what its own claim needs', async () => {
  const { get } = await served();
  const answer = await get(`/v1/epochs/1/proofs/${WORKERS[0]?.account}`);
  expect(answer.json()).toMatchObject({ object: 'epoch.proof', epoch: 1, account: WORKERS[0]?.account, cumulative: '10', proof: [expect.stringMatching(/^0x/)] });
});

it('X11: what workers did is published with its epoch, verifies with it, and gives each worker its proof', async () => {
  const { get } = await served();
  const answer = await get('/v1/epochs/1/performance');
  expect(answer.headers).toMatchObject({ 'cache-control': 'public, max-age=31536000, immutable' });
  const epoch = (await get('/v1/epochs/1')).json();
  expect(checkPerformance(epoch, answer.json())).toMatchObject({ state: 'ok' });
  const proof = (await get(`/v1/epochs/1/performance/${WORKERS[0]?.account}`)).json();
  expect(proof).toMatchObject({ object: 'epoch.performance.proof', epoch: 1, pool: '0x77', worker: WORKERS[0]?.account, jobs: 3, root: answer.json().root, proof: [expect.stringMatching(/^0x/)] });
});

it.each([
  ['/v1/epochs/0', 400],
  ['/v1/epochs/01', 400],
  ['/v1/epochs/-1', 400],
  ['/v1/epochs/x', 400],
  ['/v1/epochs/9999999999999999', 400],
  ['/v1/epochs/2', 404],
  ['/v1/epochs/1/proofs/0x5', 404],
  ['/v1/epochs/1/proofs/0X5', 400],
  ['/v1/epochs/1/proofs/ada', 400],
  ['/v1/epochs/x/performance', 400],
  ['/v1/epochs/2/performance', 404],
  ['/v1/epochs/1/performance/0x5', 404],
  ['/v1/epochs/2/performance/0x5', 404],
  ['/v1/epochs/1/performance/ada', 400],
])('%s is refused with %i', async (url, status) => {
  const { get } = await served();
  expect((await get(url)).statusCode).toBe(status);
});
