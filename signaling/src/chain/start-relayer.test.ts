import { describe, expect, it } from 'vitest';
import { POLICY } from './service.fixture.ts';
import { startRelayer } from './start-relayer.ts';
import type { Fetch } from './node-rpc.ts';
import type { RelayerOptions } from './start-relayer.ts';

const CHAIN = '0x534e5f5345504f4c4941';
const KEY = '0x71d7bb07b9a64f6f78ac4c816aff4da9';
const sender = (address: `0x${string}`) => ({ address, privateKey: KEY });

/** A node that knows its chain, and that nothing is deployed. */
const node: Fetch = async (_url, init) => {
  const { method } = JSON.parse(String(init?.body)) as { method: string };
  return Response.json({ jsonrpc: '2.0', id: 1, ...(method === 'starknet_chainId' ? { result: CHAIN } : { error: { code: 20, message: 'Contract not found' } }) });
};
const options = (changes: Partial<RelayerOptions> = {}): RelayerOptions => ({ nodeUrl: 'http://127.0.0.1:1/', chainId: CHAIN, policy: POLICY, backEnd: { kind: 'local', senders: [sender('0xa1')] }, fetch: node, ...changes });

describe('startRelayer', () => {
  const wrong: readonly (readonly [what: string, changes: Partial<RelayerOptions>, code: string])[] = [
    ['a policy with a wrong field', { policy: { ...POLICY, strkPerDay: 'much' } }, 'bad-policy'],
    ['a node of another chain', { chainId: '0x534e5f4d41494e' }, 'wrong-chain'],
    ['no sender', { backEnd: { kind: 'local', senders: [] } }, 'bad-options'],
    ['two senders without a Paymaster contract', { backEnd: { kind: 'local', senders: [sender('0xa1'), sender('0xa2')] } }, 'bad-options'],
    ['an upstream without a key', { backEnd: { kind: 'upstream', url: 'https://paymaster.example/', apiKey: '', forwarder: '0x1' } }, 'bad-options'],
    ['a short ticket key', { ticketKey: new Uint8Array(8) }, 'bad-options'],
    ['a node that is not there', { fetch: () => Promise.reject(new TypeError('fetch failed')) }, 'node-unavailable'],
  ];

  it.each(wrong)('says what to do about %s', async (_what, changes, code) => {
    const error: unknown = await startRelayer(options(changes)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain(KEY);
  });

  it('listens by itself, answers over HTTP, and shows no secret', async () => {
    const relayer = await startRelayer(options({ listen: { port: 0 }, spent: { day: 0, fri: 5n } }));
    const response = await fetch(relayer.url ?? '', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'paymaster_getSupportedTokens' }) });
    expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 1, result: [] });
    const info = await (await fetch(relayer.url ?? '')).text();
    expect(JSON.parse(info)).toMatchObject({ chainId: CHAIN, forwarder: '0xa1', newAccounts: { tickets: true, workBits: 8 }, metrics: { today: { spentFri: '0', limitFri: '1000000000000000000' }, queued: 0 } });
    expect(info).not.toContain(KEY);
    expect(relayer.issueTicket('0x1')).toMatch(/^[0-9]+\.[0-9a-f]{32}\.[0-9a-f]{64}$/);
    await relayer.close();
    await expect(fetch(relayer.url ?? '')).rejects.toThrow('fetch failed');
  });
});
