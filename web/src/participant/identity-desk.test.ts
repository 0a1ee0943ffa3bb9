import { expect, it } from 'vitest';
import { growTree, proofOf, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import { nodeIdOf } from '@ciro/core/identity/identity.ts';
import { WalletError } from '../wallet/wallet-error.ts';
import { openPayoutFace } from './payout-face.ts';
import { IdentityDesk, type IdentityView } from './identity-desk.ts';
import type { Earnings } from '../wallet/claim-ports.ts';
import type { VaultFacts } from '../wallet/vault.ts';
import type { VaultThread } from './vault-thread.ts';

const DOOR = { object: 'chain', network: 'devnet', chainId: '0x534e', rpc: 'http://node/', token: '0x1', store: '0x2', pool: '0x3', jobManager: '0x4', court: '0x5', forwarder: '0x6', accountClass: '0x7', stakeToken: '0x8' };
const hex = (value: bigint): string => `0x${value.toString(16)}`;

const factsOf = (key: string, account: string): VaultFacts => ({ nodeId: nodeIdOf(key), identityPublicKey: key, account, devicePublicKey: '04', deviceKey: {} as CryptoKey, persistence: 'stored', backedUpAt: null, earlier: [] });
const ANN = factsOf('0xa1', '0xacc');
const BOB = factsOf('0xb0', '0xbcc');

function setup({ identities = 1, ticket = true } = {}) {
  let identity: IdentityView | undefined;
  let earnings: Earnings | undefined;
  let facts: VaultFacts | undefined = identities === 0 ? undefined : ANN;
  const tree = growTree([leafHasher({ chainId: DOOR.chainId, store: DOOR.store })(BigInt(ANN.account), 700n)]);
  const answers: Record<string, unknown> = {
    '/v1/chain': DOOR,
    '/v1/epochs': { data: [{ epoch: 2, state: 'claimable', root: hex(rootOf(tree)) }, { epoch: 3, state: 'confirmed', root: '0x9' }] },
    [`/v1/epochs/2/proofs/${ANN.account}`]: { epoch: 2, account: ANN.account, index: 0, cumulative: '700', proof: proofOf(tree, 0).map(hex) },
  };
  let paid = 0n;
  const vault: VaultThread = {
    open: () => Promise.resolve((facts ??= ANN)),
    find: () => Promise.resolve(facts),
    signBinding: () => Promise.resolve('b'),
    signRoot: () => Promise.resolve('r'),
    signOutside: () => Promise.resolve(['0x1', '0x2']),
    signPayoutChange: () => Promise.resolve('p'),
    exportIdentity: (_passphrase, key) => Promise.resolve((facts = { ...ANN, backedUpAt: 9 }, `backup of ${key}`)),
    importIdentity: (_text, _passphrase, { replace }) => (replace ? Promise.resolve((facts = { ...BOB, earlier: [ANN.identityPublicKey] })) : Promise.reject(new WalletError('identity-exists', 'there is one', { fault: 'user' }))),
  };
  let opened = 0;
  const asked: string[] = [];
  const desk: IdentityDesk = new IdentityDesk({
    startVault: () => vault,
    openPayout: async (ports) => openPayoutFace(ports),
    openAccount: async () => {
      opened++;
      return {
        epoch: async () => ({ root: rootOf(tree), depth: tree.depth, claimable: true }),
        paid: async () => paid,
        tokens: async () => paid,
        isDeployed: async () => false,
        pool: { place: () => Promise.reject(new Error('nobody asks')), act: () => Promise.reject(new Error('nobody asks')) },
        claim: async (proof, admitted) => (asked.push(String(admitted)), (paid = proof.cumulative), '0xabc'),
        receipt: async () => ({ succeeded: true, reason: '', sponsor: '0x5', feeFri: 3n }),
      };
    },
    store: { keepPayout: () => Promise.reject(new Error('storage is full')), payouts: () => Promise.resolve([]) },
    base: 'http://here/',
    fetch: async (url) => {
      const answer = answers[new URL(String(url)).pathname];
      return answer === undefined ? new Response('{}', { status: 404 }) : new Response(JSON.stringify(answer));
    },
    wantTicket: () => {
      queueMicrotask(() => desk.answered(ticket ? { type: 'sponsor-ticket', ticket: 'T' } : { type: 'sponsor-refused', code: 'no-sponsor', message: 'nobody pays', retryAfterMs: null }));
      return true;
    },
    after: () => () => undefined,
    clock: { now: () => 9, monotonic: () => 5 },
    show: (part) => {
      identity = part.identity ?? identity;
      earnings = part.earnings ?? earnings;
    },
  });
  return { desk, asked, answers, opened: () => opened, identity: () => identity, earnings: () => earnings };
}

it('Y8: after joining, the first payout of the newest claimable epoch is claimed with a ticket of the coordinator', async () => {
  const { desk, asked, earnings } = setup();
  await desk.open();
  desk.joined();
  await expect.poll(earnings).toMatchObject({ account: ANN.account, onChain: 700n, payouts: [{ epoch: 2, paymaster: 'http://here/paymaster', sponsor: '0x5', gasPaidFri: 0n }] });
  expect(asked).toEqual(['T']);
});

it('Y8: without a ticket it says why', async () => {
  const { desk, earnings } = setup({ ticket: false });
  await desk.open();
  desk.claimable(2);
  await expect.poll(earnings).toMatchObject({ failure: { code: 'no-ticket', message: expect.stringContaining('nobody pays') }, payouts: [] });
});

it('loads nothing that talks to a chain where there is none, and says so', async () => {
  const { desk, answers, opened, earnings } = setup();
  delete answers['/v1/chain'];
  expect(await desk.find()).toBe(true);
  await expect.poll(() => earnings()?.chain).toBe('none');
  expect(opened()).toBe(0);
});

it('finds an identity and makes none', async () => {
  const { desk, identity, earnings } = setup({ identities: 0 });
  expect(await desk.find()).toBe(false);
  expect([identity(), earnings()]).toEqual([undefined, undefined]);
});

it('shows that there is a backup, and the identity that was moved in', async () => {
  const { desk, identity, earnings } = setup();
  await desk.open();
  expect(identity()).toMatchObject({ account: ANN.account, backedUpAt: null });
  expect(await desk.exportIdentity('…', ANN.identityPublicKey)).toBe('backup of 0xa1');
  expect(identity()).toMatchObject({ backedUpAt: 9 });
  await expect(desk.importIdentity('…', '…', false)).rejects.toMatchObject({ code: 'identity-exists' });
  expect(identity()).toMatchObject({ account: ANN.account });
  await desk.importIdentity('…', '…', true);
  expect([identity()?.account, identity()?.earlier, earnings()?.account]).toEqual([BOB.account, [ANN.identityPublicKey], BOB.account]);
});
