import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { PARAMETERS, CLAIM, POLICY, said, startService } from './service.fixture.ts';
import { outsideTypedData } from './starknet-hashes.ts';
import { parsePolicy } from './policy.ts';
import { toFelt } from './felt.ts';
import { UpstreamBackEnd } from './upstream-back-end.ts';
import { UpstreamRpc } from './upstream-rpc.ts';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';

const ACCOUNT: Felt = '0xacc';
const AVNU_FORWARDER: Felt = '0x75a180e18e56da1b1cae181c92a288f586f5fe22c18df21cf97886f1e4b316c';
const KEY = 'paymaster_0123456789';
const CHAIN: Felt = '0x534e5f5345504f4c4941';
const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));

interface Request {
  readonly method: string;
  readonly params: { readonly transaction: { readonly type: string; readonly invoke?: { readonly user_address: Felt; readonly calls?: ChainCall[]; readonly typed_data?: unknown } }; readonly parameters: { readonly time_bounds?: { readonly execute_after: number; readonly execute_before: number } } };
}
interface Manner {
  readonly built?: (result: Record<string, unknown>, request: Request) => unknown;
  readonly execute?: () => unknown;
}

/** A stand-in that speaks as AVNU's service does: key in a header, fees in hex, tracking id 0. */
async function upstream(manner: Manner = {}) {
  const seen: { request: Request; key: string | undefined }[] = [];
  const server = createServer(async (incoming, outgoing) => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const request = JSON.parse(body) as Request;
    seen.push({ request, key: incoming.headers['x-paymaster-api-key'] as string | undefined });
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify({ jsonrpc: '2.0', id: 1, ...answer(request, incoming.headers['x-paymaster-api-key']) }));
  });
  const answer = (request: Request, key: unknown): object => {
    const refused = (data: unknown): object => ({ error: { code: 163, message: 'An error occurred (UNKNOWN_ERROR)', data } });
    if (request.method === 'paymaster_isAvailable') return { result: true };
    if (key !== KEY) return refused(`Invalid API key ${String(key)}`);
    if (request.method === 'paymaster_executeTransaction') return (manner.execute?.() as object | undefined) ?? { result: { tracking_id: '0x0', transaction_hash: '0xabc' } };
    const { transaction, parameters } = request.params;
    const fee = { gas_token_price_in_strk: '0xde0b6b3a7640000', estimated_fee_in_strk: '0x64', estimated_fee_in_gas_token: '0x64', suggested_max_fee_in_strk: '0x12c', suggested_max_fee_in_gas_token: '0x12c' };
    const { execute_after: after = 1, execute_before: before = 1_900 } = parameters.time_bounds ?? {};
    const typed_data = outsideTypedData(CHAIN, { caller: AVNU_FORWARDER, nonce: '0x77', after, before, calls: transaction.invoke?.calls ?? [] });
    const result = { type: transaction.type, typed_data, parameters, fee };
    return { result: manner.built?.(result, request) ?? result };
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, seen };
}

async function setup(manner: Manner = {}, apiKey = KEY) {
  const { url, seen } = await upstream(manner);
  const service = startService({}, ({ chain, clock, metrics }) => new UpstreamBackEnd({ chain, clock, metrics, policy: parsePolicy(POLICY), forwarder: AVNU_FORWARDER, rpc: new UpstreamRpc({ url, apiKey, timeoutMs: 5_000 }) }));
  service.deployed(ACCOUNT);
  return { ...service, seen };
}

describe('UpstreamBackEnd', () => {
  it('forwards what passed the policy, with the key of the server', async () => {
    const { signed, execute, seen, quotas, ask } = await setup();
    expect((await ask('isAvailable', [])).result).toBe(true);
    const { result } = await execute(await signed(ACCOUNT));
    expect(result).toEqual({ tracking_id: '0xabc', transaction_hash: '0xabc' });
    expect(seen.slice(1).map(({ request, key }) => [request.method, key])).toEqual([['paymaster_buildTransaction', KEY], ['paymaster_executeTransaction', KEY]]);
    expect(seen[2]?.request.params).toMatchObject({ parameters: { ...PARAMETERS }, transaction: { type: 'invoke', invoke: { user_address: ACCOUNT } } });
    expect(quotas.today).toEqual({ spent: 100n, reserved: 0n });
    expect((await ask('trackingIdToLatestHash', { tracking_id: '0xabc' })).result).toEqual({ transaction_hash: '0xabc', status: 'active' });
  });

  it('asks upstream for nothing that the policy refuses, and executes no payload twice', async () => {
    const { build, execute, signed, seen } = await setup();
    expect(said(await build(ACCOUNT, [{ ...CLAIM, to: '0x99' }]))).toBe('163 call-not-allowed');
    expect(seen).toEqual([]);
    const payload = await signed(ACCOUNT);
    expect(said(await execute(payload))).toBe('ok');
    expect(said(await execute(payload))).toBe('163 already-executed');
    expect(seen).toHaveLength(2);
  });

  const lies: readonly (readonly [what: string, lie: NonNullable<Manner['built']>])[] = [
    ['another type', (result) => ({ ...result, type: 'deploy' })],
    ['another caller', (result) => ({ ...result, typed_data: outsideTypedData(CHAIN, { caller: '0x1', nonce: '0x7', after: 1, before: 1_900, calls: [CLAIM] }) })],
    ['other calls', (result) => ({ ...result, typed_data: outsideTypedData(CHAIN, { caller: AVNU_FORWARDER, nonce: '0x7', after: 1, before: 1_900, calls: [CLAIM, CLAIM] }) })],
    ['another chain', (result) => ({ ...result, typed_data: outsideTypedData('0x534e5f4d41494e', { caller: AVNU_FORWARDER, nonce: '0x7', after: 1, before: 1_900, calls: [CLAIM] }) })],
    ['longer bounds', (result) => ({ ...result, typed_data: outsideTypedData(CHAIN, { caller: AVNU_FORWARDER, nonce: '0x7', after: 1, before: 9_999, calls: [CLAIM] }) })],
    ['no typed data', ({ typed_data: _, ...result }) => result],
    ['no fee', ({ fee: _, ...result }) => result],
    ['nonsense', () => 7],
  ];

  it.each(lies)('passes on nothing of an upstream that answers with %s', async (_what, built) => {
    const { build } = await setup({ built });
    expect(said(await build(ACCOUNT))).toBe('163 upstream-lied');
  });

  it('refuses a price over the policy before anybody signs', async () => {
    const dear = toFelt(10n ** 18n);
    const { build } = await setup({ built: (result) => ({ ...result, fee: { ...(result['fee'] as object), suggested_max_fee_in_strk: dear } }) });
    expect(said(await build(ACCOUNT))).toBe('163 gas-spike');
  });

  it('tells what upstream refused, and never the key', async () => {
    const { build } = await setup({}, 'paymaster_wrong_key');
    const reply = await build(ACCOUNT);
    expect(said(reply)).toBe('163 upstream-refused');
    expect(JSON.stringify(reply)).not.toContain('paymaster_wrong_key');
    const reverted = await setup({ execute: () => ({ error: { code: 156, message: 'An error occurred (TRANSACTION_EXECUTION_ERROR)', data: { execution_error: 'SRC9: duplicated nonce' } } }) });
    expect(said(await reverted.execute(await reverted.signed(ACCOUNT)))).toContain('SRC9: duplicated nonce');
    expect(reverted.quotas.today).toEqual({ spent: 0n, reserved: 0n });
  });

  it('counts as spent what may have been sent when no sense comes back', async () => {
    const { execute, signed, quotas } = await setup({ execute: () => ({ result: 'yes' }) });
    expect(said(await execute(await signed(ACCOUNT)))).toBe('163 upstream-lied');
    expect(quotas.today).toEqual({ spent: 100n, reserved: 0n });
  });
});

it.each([['ftp://x/', KEY], ['http://127.0.0.1/', 'short'], ['http://127.0.0.1/', 'with\nnewline']])('an upstream at %s with such a key is refused at the start', (url, apiKey) => {
  expect(() => new UpstreamRpc({ url, apiKey })).toThrow(expect.objectContaining({ code: 'bad-options' }));
});
