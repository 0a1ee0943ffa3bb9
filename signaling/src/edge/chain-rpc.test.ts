import { expect, it } from 'vitest';
import { AddressLimits } from './address-limits.ts';
import { chainRpcRoute } from './chain-rpc.ts';
import { createHttp } from './http-server.ts';
import { openAiError } from './openai-error.ts';

const NODE = 'http://node.test/key-that-nobody-is-told';
const CALL = { jsonrpc: '2.0', id: 4, method: 'starknet_call', params: { request: {}, block_id: 'latest' } };

async function served({ answer = () => new Response('{"jsonrpc":"2.0","id":4,"result":["0x1"]}'), burst = 100 }: { answer?: () => Response; burst?: number } = {}) {
  const app = await createHttp({});
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error);
    return reply.code(status).send(body);
  });
  const asked: [unknown, unknown][] = [];
  const node: typeof fetch = async (url, init) => (asked.push([url, JSON.parse(String(init?.body))]), answer());
  chainRpcRoute(app, { node: NODE, limits: new AddressLimits({ burst, everyMs: 60_000 }, { now: () => 0 }), fetch: node });
  return { asked, post: (payload: object) => app.inject({ method: 'POST', url: '/v1/chain/rpc', payload }) };
}

it('Y6: passes a read on to the node, and its answer back', async () => {
  const { post, asked } = await served();
  const answer = await post(CALL);
  expect([answer.statusCode, answer.headers['cache-control'], answer.json()]).toEqual([200, 'no-store', { jsonrpc: '2.0', id: 4, result: ['0x1'] }]);
  expect(asked).toEqual([[NODE, CALL]]);
});

it.each([
  ['a transaction', { ...CALL, method: 'starknet_addInvokeTransaction' }],
  ["a devnet's keys", { ...CALL, method: 'devnet_getPredeployedAccounts' }],
  ['a trace', { ...CALL, method: 'starknet_traceTransaction' }],
  ['a batch', [CALL, CALL]],
  ['a surplus field', { ...CALL, node: 'http://elsewhere/' }],
  ['nothing', {}],
])('Y6: %s is passed on to nobody', async (_what, payload) => {
  const { post, asked } = await served();
  expect((await post(payload)).statusCode).toBe(400);
  expect(asked).toEqual([]);
});

it.each([
  ['silent', () => { throw new TypeError(`fetch failed: ${NODE}`); }],
  ['refusing', () => new Response('no', { status: 403 })],
  ['talking of something else', () => new Response('<html>')],
  ['endless', () => new Response('x'.repeat(5 * 1024 * 1024))],
])('Y6: a node that is %s is not named', async (_what, answer) => {
  const { post } = await served({ answer });
  const refused = await post(CALL);
  expect([refused.statusCode, refused.json().error.code]).toEqual([503, 'node_unavailable']);
  expect(refused.body).not.toContain('node.test');
});

it('Y6: one address may read so often and no more', async () => {
  const { post } = await served({ burst: 2 });
  const codes = [await post(CALL), await post(CALL), await post(CALL)].map((answer) => answer.statusCode);
  expect(codes).toEqual([200, 200, 429]);
});
