import { Signer } from 'starknet';
import { afterEach, expect, it } from 'vitest';
import { getStarkKey, verify } from '@scure/starknet';
import { identityPublicKey } from '@ciro/core/identity/identity.ts';
import { payoutMessageHash, payoutTypedData, signPayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { ChainSignatures } from '@ciro/signaling/chain/account-signatures.ts';
import { createHttp } from '@ciro/signaling/edge/http-server.ts';
import { openAiError } from '@ciro/signaling/edge/openai-error.ts';
import { payoutRoutes } from '@ciro/signaling/edge/payout-routes.ts';
import { MemoryPayoutLinks } from '@ciro/signaling/settlement/memory-payout-links.fixture.ts';
import { PayoutBook } from '@ciro/signaling/settlement/payout-book.ts';
import { PayoutLinks } from '@ciro/signaling/settlement/payout-links.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';

const CHAIN = { chainId: '0x534e5f5345504f4c4941', store: '0x5707e' };
const [IDENTITY_SECRET, WALLET_SECRET] = ['0x1234567', '0x7654321'];
const WORKER = identityPublicKey(IDENTITY_SECRET);
/** Deployed accounts by their address: one whose key is ours, and a contract that is no account. */
const [WALLET, TOKEN, NOBODY] = ['0xa11e7', '0x70cec', '0xdead'];
const NOW = 1_800_000_000_000;
const DELAY_MS = 172_800_000;

interface NodeRequest {
  readonly method: string;
  readonly params: { readonly contract_address?: string; readonly request?: { readonly contract_address: string; readonly calldata: readonly string[] } };
}

/** A node whose one account checks signatures with its key, as an account's code does. */
const node = (chainId: string = CHAIN.chainId) => async (_url: string | URL | Request, init?: RequestInit): Promise<Response> => {
  const { method, params } = JSON.parse(String(init?.body)) as NodeRequest;
  return Response.json({ jsonrpc: '2.0', id: 1, ...answerTo(method, params, chainId) });
};

function answerTo(method: string, { contract_address: address, request }: NodeRequest['params'], chainId: string): object {
  if (method === 'starknet_chainId') return { result: chainId };
  if (method === 'starknet_getClassHashAt') return address === NOBODY ? { error: { code: 20, message: 'Contract not found' } } : { result: '0xc1a55' };
  if (request?.contract_address === TOKEN) return { error: { code: 40, message: 'Contract error', data: { revert_error: 'Entry point EntryPointSelector(0x28) not found in contract.' } } };
  const [hash = '', , r = '0', s = '0'] = request?.calldata ?? [];
  const compact = [r, s].map((part) => BigInt(part).toString(16).padStart(64, '0')).join('');
  const key = getStarkKey(WALLET_SECRET).slice(2).padStart(64, '0');
  const valid = ['02', '03'].some((parity) => verify(Buffer.from(compact, 'hex'), hash, Buffer.from(parity + key, 'hex')));
  return { result: [valid ? '0x56414c4944' : '0x0'] };
}

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

async function coordinator(chainId?: string) {
  const app = await createHttp({});
  opened.push(app);
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = openAiError(error);
    return reply.code(status).send(body);
  });
  const links = new MemoryPayoutLinks();
  const payouts = new PayoutBook({ links, store: { payouts: async () => new Map(), bindPayouts: async () => {} }, identityKeys: async () => new Map() });
  payoutRoutes(app, { links: new PayoutLinks({ chain: CHAIN, links, payouts, signatures: new ChainSignatures({ rpc: 'http://node.test/', chainId: CHAIN.chainId, fetch: node(chainId) }), now: () => NOW, delayMs: DELAY_MS }) }, { take: () => undefined });
  return {
    look: async () => (await app.inject(`/v1/payouts/${WORKER}`)).json(),
    async post(body: object) {
      const answer = await app.inject({ method: 'POST', url: '/v1/payouts', payload: body });
      return { status: answer.statusCode, body: answer.json() };
    },
  };
}

const changeTo = (account: string, other: Partial<PayoutChange> = {}): PayoutChange => ({ ...CHAIN, worker: WORKER, account, nonce: 1, validUntil: NOW / 1000 + 600, ...other });

/** What a page hands in: the identity's signature, and what a wallet made of the typed data for its own address. */
async function handedIn(change: PayoutChange, signer = WALLET, secret = WALLET_SECRET) {
  const signature = await new Signer(secret).signMessage(payoutTypedData(change) as never, signer);
  const felts = Array.isArray(signature) ? signature : [signature.r, signature.s].map((part) => `0x${part.toString(16)}`);
  return { change, identity_signature: signPayoutChange(change, IDENTITY_SECRET), wallet_signature: felts };
}

it('Y9: a change signed by a wallet as wallets sign, and by the identity, waits for the delay', async () => {
  const { look, post } = await coordinator();
  expect(await look()).toMatchObject({ since: null, waiting: null, next_change: 1, delay_seconds: 172_800 });
  const { status, body } = await post(await handedIn(changeTo(WALLET)));
  expect(status).toBe(200);
  expect(body).toMatchObject({ object: 'payout', waiting: { account: WALLET, from: NOW + DELAY_MS }, next_change: 2 });
  expect(body.account).toBe(body.own_account);
  // The same again is no second change.
  expect(await post(await handedIn(changeTo(WALLET)))).toMatchObject({ status: 409, body: { error: { code: 'replayed' } } });
});

it('the hash of core is the one that starknet.js makes of the typed data', async () => {
  const { typedData } = await import('starknet');
  const change = changeTo(WALLET);
  expect(BigInt(typedData.getMessageHash(payoutTypedData(change) as never, WALLET))).toBe(payoutMessageHash(change, WALLET));
});

it.each([
  ['a signature of another chain', 403, 'wallet_signature', async () => ({ ...(await handedIn(changeTo(WALLET, { chainId: '0x534e5f4d41494e' }))), change: changeTo(WALLET), identity_signature: signPayoutChange(changeTo(WALLET), IDENTITY_SECRET) })],
  ['a change for another chain', 400, 'wrong_chain', () => handedIn(changeTo(WALLET, { chainId: '0x534e5f4d41494e' }))],
  ['a wallet that answered for another of its accounts', 403, 'wallet_signature', () => handedIn(changeTo(WALLET), '0xb0b')],
  ['another key', 403, 'wallet_signature', () => handedIn(changeTo(WALLET), WALLET, '0x99')],
  ['no wallet signature', 403, 'wallet_signature', async () => ({ ...(await handedIn(changeTo(WALLET))), wallet_signature: null })],
  ['an account that is not deployed', 400, 'account_not_deployed', () => handedIn(changeTo(NOBODY), NOBODY)],
  ['a contract that is no account', 400, 'not_an_account', () => handedIn(changeTo(TOKEN), TOKEN)],
  ['a stale payload', 400, 'expired', () => handedIn(changeTo(WALLET, { validUntil: NOW / 1000 - 1_000 }))],
  ['a later number', 409, 'replayed', () => handedIn(changeTo(WALLET, { nonce: 2 }))],
  ['a surplus field', 400, 'bad_request', async () => ({ ...(await handedIn(changeTo(WALLET))), more: 1 })],
  ['signatures that are none', 400, 'bad_request', async () => ({ ...(await handedIn(changeTo(WALLET))), wallet_signature: ['0xg'] })],
])('Y9: %s is refused by name, and the worker is paid as before', async (_what, status, code, make) => {
  const { look, post } = await coordinator();
  const before = await look();
  const answer = await post(await make());
  expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  expect(await look()).toEqual(before);
});

it('Y9: a node of another chain is asked nothing about signatures', async () => {
  const { look, post } = await coordinator('0x1');
  expect(await post(await handedIn(changeTo(WALLET)))).toMatchObject({ status: 503, body: { error: { code: 'node_silent' } } });
  expect(await look()).toMatchObject({ waiting: null, next_change: 1 });
});
