import { expect, it } from 'vitest';
import { identityPublicKey } from '@ciro/core/identity/identity.ts';
import { signPayoutChange, verifyPayoutChange } from '@ciro/core/settlement/payout-change.ts';
import { openPayoutFace } from '../participant/payout-face.ts';
import type { PayoutChange } from '@ciro/core/settlement/payout-change.ts';

const SECRET = '0x1234';
const KEY = identityPublicKey(SECRET);
const [OWN, WALLET, CHAIN, STORE] = ['0x0123'.replace('0x0', '0x'), '0xa11e7', '0x534e5f5345504f4c4941', '0x5707e'];
const NOW = 1_800_000_000_000;

interface Asked {
  readonly type: string;
  readonly params?: { readonly message?: Readonly<Record<string, string>>; readonly domain?: object };
}
interface HandedIn {
  readonly change: PayoutChange;
  readonly identity_signature: string | null;
  readonly wallet_signature: readonly string[] | null;
}

/** A wallet as an extension injects it. `answers`: what differs from one that does as it is asked. */
function injected(id: string, answers: Readonly<Record<string, (asked: Asked) => unknown>> = {}) {
  const asked: Asked[] = [];
  const plain: Readonly<Record<string, (of: Asked) => unknown>> = { wallet_requestAccounts: () => [`0x000${WALLET.slice(2)}`], wallet_requestChainId: () => CHAIN, wallet_signTypedData: () => ['0x1', '7'] };
  const request = async (of: Asked): Promise<unknown> => {
    asked.push(of);
    return (answers[of.type] ?? plain[of.type])?.(of);
  };
  return { asked, wallet: { id, name: id.toUpperCase(), version: '1.0.0', icon: 'data:image/png;base64,', request, on: () => undefined, off: () => undefined } };
}

function page(wallets: Readonly<Record<string, unknown>>, { status = {}, refuse }: { status?: object; refuse?: { status: number; code: string } } = {}) {
  const window = Object.assign(new EventTarget(), wallets) as unknown as Parameters<typeof openPayoutFace>[1];
  const handed: HandedIn[] = [];
  const body = { object: 'payout', chain_id: CHAIN, store: STORE, own_account: OWN, account: OWN, since: null, kept: [], waiting: null, next_change: 3, delay_seconds: 60, ...status };
  const face = openPayoutFace(
    {
      base: 'http://here/',
      fetch: async (_url, init) => {
        if (init?.method !== 'POST') return Response.json(body);
        handed.push(JSON.parse(String(init.body)) as HandedIn);
        return refuse === undefined ? Response.json({ ...body, next_change: 4, waiting: { account: WALLET, from: NOW } }) : Response.json({ error: { message: 'no', type: 't', param: null, code: refuse.code } }, { status: refuse.status });
      },
      identityPublicKey: KEY,
      stake: {} as never,
      own: OWN,
      sign: async (change) => signPayoutChange(change, SECRET),
      now: () => NOW,
    },
    window,
  );
  return { face, handed };
}

it('finds injected wallets and those of the Wallet Standard in one list, each once, and nothing else', () => {
  const window = { starknet_ann: injected('ann').wallet, starknet: injected('ann').wallet, starknet_broken: { id: 'broken' }, starknet_evil: null, ethereum: injected('other').wallet };
  const { face } = page(window);
  expect(face.wallets()).toMatchObject([{ id: 'ann', name: 'ANN' }]);
  const bus = new EventTarget();
  const standard = { name: 'Bob', features: { 'starknet:walletApi': { id: 'bob', request: async () => undefined }, 'standard:connect': { connect: async () => ({ accounts: [] }) } } };
  bus.addEventListener('wallet-standard:app-ready', (event) => ((event as CustomEvent).detail as { register(of: unknown): void }).register(standard));
  expect(page({ starknet_ann: injected('ann').wallet, addEventListener: bus.addEventListener.bind(bus), removeEventListener: bus.removeEventListener.bind(bus), dispatchEvent: bus.dispatchEvent.bind(bus) }).face.wallets().map(({ id }) => id)).toEqual(['bob', 'ann']);
});

it('Y9: wallet and identity sign the same change, for this chain, this worker and the next number', async () => {
  const ann = injected('ann');
  const { face, handed } = page({ starknet_ann: ann.wallet });
  expect(await face.link('ann')).toMatchObject({ waiting: { account: WALLET }, next_change: 4 });
  const [{ change, identity_signature: signature, wallet_signature } = { change: undefined, identity_signature: null, wallet_signature: null }] = handed;
  expect(change).toEqual({ chainId: CHAIN, store: STORE, worker: KEY, account: WALLET, nonce: 3, validUntil: NOW / 1000 + 1_800 });
  expect([change !== undefined && verifyPayoutChange(change, signature ?? ''), wallet_signature]).toEqual([true, ['0x1', '0x7']]);
  const typed = ann.asked.find(({ type }) => type === 'wallet_signTypedData')?.params;
  expect(typed).toMatchObject({ domain: { chainId: CHAIN, revision: '1' }, message: { 'Pay to': WALLET, 'Worker key': KEY, Change: '3' } });
});

const NO = () => Promise.reject(new Error('User abort'));
it.each([
  ['refuses to connect', 'refused', { wallet_requestAccounts: NO }],
  ['refuses to sign', 'refused', { wallet_signTypedData: NO }],
  ['is on another chain', 'wrong_chain', { wallet_requestChainId: () => '0x534e5f4d41494e' }],
  ['answers for another account after signing', 'other_account', { wallet_requestAccounts: ({ params }: Asked) => [(params as { silent_mode?: boolean } | undefined)?.silent_mode === true ? '0xb0b' : WALLET] }],
  ['gives no account', 'bad_wallet', { wallet_requestAccounts: () => [] }],
  ['gives no signature', 'bad_wallet', { wallet_signTypedData: () => ({ r: 1 }) }],
])('a wallet that %s: %s, and nothing is handed in', async (_what, code, answers) => {
  const { face, handed } = page({ starknet_ann: injected('ann', answers).wallet });
  await expect(face.link('ann')).rejects.toMatchObject({ name: 'LinkError', code });
  expect(handed).toEqual([]);
});

it('signs nothing for a coordinator that names another account as the key\'s own, and says what it refused', async () => {
  const { face, handed } = page({}, { status: { own_account: '0xbad' } });
  await expect(face.goBack()).rejects.toMatchObject({ code: 'bad_answer' });
  expect(handed).toEqual([]);
  await expect(page({ starknet_ann: injected('ann').wallet }, { refuse: { status: 400, code: 'account_not_deployed' } }).face.link('ann')).rejects.toMatchObject({ code: 'not_taken', fields: { code: 'account_not_deployed' } });
  await expect(page({}, { refuse: { status: 404, code: 'no_chain' } }).face.goBack()).rejects.toMatchObject({ code: 'no_chain' });
});

it('Y9: back to the own account, and calling off, by the key alone; by the wallet without the key', async () => {
  const linked = { account: WALLET, waiting: { account: OWN, from: NOW } };
  const { face, handed } = page({ starknet_ann: injected('ann').wallet }, { status: linked });
  await face.goBack();
  await face.callOff();
  await face.callOff('ann');
  expect(handed.map(({ change, identity_signature, wallet_signature }) => [change.account, identity_signature !== null, wallet_signature !== null])).toEqual([
    [OWN, true, false],
    [WALLET, true, false],
    [WALLET, false, true],
  ]);
  await expect(page({ starknet_ann: injected('ann').wallet }, { status: { ...linked, account: '0xb0b' } }).face.callOff('ann')).rejects.toMatchObject({ code: 'other_account' });
});
