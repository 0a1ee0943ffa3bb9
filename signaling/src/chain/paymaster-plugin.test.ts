import Fastify from 'fastify';
import { PaymasterRpc, RpcError } from 'starknet';
import { expect, it } from 'vitest';
import { MAX_BODY_BYTES } from './chain-limits.ts';
import { paymasterPlugin } from './paymaster-plugin.ts';
import { POLICY, STORE, startService } from './service.fixture.ts';
import { PaymasterService } from './paymaster-service.ts';
import { AccountChecks } from './account-checks.ts';
import { parsePolicy } from './policy.ts';

async function setup() {
  const parts = startService();
  parts.deployed('0xacc');
  const policy = parsePolicy(POLICY);
  const now = () => parts.clock.now();
  const service = new PaymasterService({ ...parts, chainId: parts.chain.chainId, policy, accounts: new AccountChecks(parts.chain, policy, { now }), now });
  const app = Fastify();
  const metrics = parts.metrics.snapshot({ today: { spentFri: '0', reservedFri: '0', limitFri: '1' }, queued: 0, busySenders: 0 });
  await app.register(paymasterPlugin({ service, info: () => ({ chainId: parts.chain.chainId, forwarder: '0xf0', newAccounts: { tickets: true, workBits: 8, slot: 1 }, metrics }) }), { prefix: '/paymaster' });
  const post = async (payload: string, headers: Record<string, string> = { 'content-type': 'application/json' }) => {
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/paymaster', headers, payload });
    return [statusCode, (JSON.parse(body) as { error?: { code: number } }).error?.code];
  };
  /** starknet.js's client, talking to the plugin without a socket. */
  const client = new PaymasterRpc({
    nodeUrl: 'http://127.0.0.1/paymaster',
    baseFetch: async (_url: unknown, init?: { body?: unknown }) => {
      const { statusCode, body } = await app.inject({ method: 'POST', url: '/paymaster', headers: { 'content-type': 'application/json' }, payload: String(init?.body) });
      return new Response(body, { status: statusCode });
    },
  });
  return { app, post, client };
}

it("speaks to starknet.js's client as SNIP-29 wants it", async () => {
  const { client } = await setup();
  expect(await client.isAvailable()).toBe(true);
  expect(await client.getSupportedTokens()).toEqual([]);
  const transaction = { type: 'invoke', invoke: { userAddress: '0xacc', calls: [{ contractAddress: STORE, entrypoint: 'claim', calldata: ['0x1'] }] } } as const;
  const built = await client.buildTransaction(transaction as never, { version: '0x1', feeMode: { mode: 'sponsored' } });
  expect(built).toMatchObject({ type: 'invoke', fee: { estimated_fee_in_strk: 0n }, parameters: { version: '0x1', feeMode: { mode: 'sponsored' } } });
  const refused: unknown = await client.buildTransaction(transaction as never, { version: '0x1', feeMode: { mode: 'default', gasToken: '0x1' } }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RpcError);
  expect((refused as RpcError).code).toBe(151);
});

const bodies: readonly (readonly [what: string, payload: string, code: number])[] = [
  ['no JSON', '{', -32700],
  ['nothing', '', -32700],
  ['a list of requests', '[]', -32600],
  ['another version', '{"jsonrpc":"1.0","id":1,"method":"paymaster_isAvailable"}', -32600],
  ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"starknet_addInvokeTransaction"}', -32601],
  ['a method of objects', '{"jsonrpc":"2.0","id":1,"method":"__proto__"}', -32601],
  ['no parameters', '{"jsonrpc":"2.0","id":1,"method":"paymaster_buildTransaction"}', -32602],
  ['too much', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x'.repeat(MAX_BODY_BYTES) }), -32600],
];

it.each(bodies)('answers %s with a JSON-RPC error', async (_what, payload, code) => {
  const { post } = await setup();
  expect(await post(payload)).toEqual([200, code]);
});

it('is open to pages of other origins, and tells what it takes', async () => {
  const { app } = await setup();
  const preflight = await app.inject({ method: 'OPTIONS', url: '/paymaster' });
  expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': '*', 'access-control-allow-headers': expect.stringContaining('x-ciro-ticket') });
  const info = await app.inject({ method: 'GET', url: '/paymaster' });
  expect(info.json()).toMatchObject({ forwarder: '0xf0', newAccounts: { workBits: 8 } });
});
