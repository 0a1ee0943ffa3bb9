/** The rows of docs/threats.md about claims, roots and times, on one devnet whose transactions run at the times that the tests say. */
import { felt, selectorOf, textFelt } from '@ciro/contracts/chain/felts.ts';
import { draftEpoch } from '@ciro/core/settlement/epoch.ts';
import { groupProof, growTree, rootOf } from '@ciro/core/settlement/epoch-tree.ts';
import { leafHasher } from '@ciro/core/settlement/leaf.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findSettlementChain, openSettlementDevnet } from '../support/settlement-devnet.ts';
import { TimedSender } from '../support/timed-sender.ts';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { Call } from '@ciro/contracts/chain/starknet.ts';
import type { SettlementDevnet } from '../support/settlement-devnet.ts';
import type { Outcome } from '../support/timed-sender.ts';

const found = await findSettlementChain();
const missing = 'missing' in found ? found.missing : undefined;
if (missing !== undefined) console.warn(`SKIPPED, threats to claims: ${missing}`);
/** As settlement-devnet.ts deploys the store. */
const CHALLENGE_WINDOW_S = 60;
const FUNDS = 10n ** 6n;
const PAID: Outcome['reason'] = null;

interface Payee {
  readonly account: Felt;
  readonly cumulative: bigint;
}

/** An epoch as somebody with the settler's key may post it: any leaves, any total. */
interface Posted {
  readonly epoch: number;
  readonly payees: readonly Payee[];
  readonly claimableAt: number;
  readonly outcome: Outcome;
  claim(index: number, change?: { readonly payee?: Payee; readonly index?: number; readonly epoch?: number; readonly proof?: (proof: readonly Felt[]) => readonly Felt[] }): Call;
}

describe.skipIf(missing !== undefined)('threats to claims', () => {
  let devnet: SettlementDevnet;
  let sender: TimedSender;
  let store: Felt;
  let [settler, court, guardian, stranger] = [] as unknown as [Keys, Keys, Keys, Keys];
  let epoch = 0;
  let accounts = 0;
  let cumulative: bigint;

  const payee = (amount: bigint): Payee => ({ account: felt(0xabc000 + ++accounts), cumulative: amount });
  const balance = ({ account }: Payee): Promise<bigint> => devnet.tokensOf(account);
  /** What everybody was paid before counts in a total (S4). */
  const paidBefore = (): Promise<bigint> => sender.view(store, 'paid_total');

  /** Posts the next epoch and says when it becomes claimable. `owed` is what its total says is to be paid beside what was paid before; the sum of its leaves when absent. */
  async function post(payees: readonly Payee[], { owed, domain = { chainId: textFelt('SN_SEPOLIA'), store } }: { readonly owed?: bigint; readonly domain?: { readonly chainId: Felt; readonly store: Felt } } = {}): Promise<Posted> {
    const leaf = leafHasher(domain);
    const tree = growTree(payees.map((each) => leaf(BigInt(each.account), each.cumulative)));
    const total = (await paidBefore()) + (owed ?? payees.reduce((sum, each) => sum + each.cumulative, 0n));
    const number = epoch + 1;
    const outcome = await sender.send(settler, { to: store, entrypoint: 'post_epoch', calldata: [felt(number), felt(rootOf(tree)), felt(total), felt(payees.length), felt(tree.depth), textFelt('data')] });
    if (outcome.reason === null) epoch = number;
    return {
      epoch: number,
      payees,
      outcome,
      claimableAt: sender.now + CHALLENGE_WINDOW_S,
      claim(index, { payee: other, index: at = index, epoch: of = number, proof: change = (proof: readonly Felt[]) => proof } = {}) {
        const { account, cumulative: amount } = other ?? payees[index] ?? { account: felt(0), cumulative: 0n };
        const proof = change(groupProof(tree, Math.min(index, payees.length - 1), 0).map((node) => felt(node)));
        return { to: store, entrypoint: 'claim', calldata: [felt(of), felt(at), account, felt(amount), felt(proof.length), ...proof] };
      },
    };
  }

  async function claimable(payees: readonly Payee[], options: Parameters<typeof post>[1] = {}): Promise<Posted> {
    const posted = await post(payees, options);
    sender.now = posted.claimableAt;
    return posted;
  }

  beforeAll(async () => {
    if (!('binary' in found)) return;
    devnet = await openSettlementDevnet(found.binary);
    sender = await TimedSender.open(devnet.rpc);
    store = felt(devnet.store);
    [settler, court, guardian, stranger] = devnet.accounts as [Keys, Keys, Keys, Keys];
    await sender.send(settler, { to: store, entrypoint: 'grant_role', calldata: [selectorOf('GUARDIAN'), guardian.address] }, { to: felt(devnet.token), entrypoint: 'transfer', calldata: [store, felt(FUNDS), felt(0)] });
  });
  afterAll(async () => {
    await devnet?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    sender.now += CHALLENGE_WINDOW_S;
    cumulative = 100n;
  });

  it('claim front-running: a stranger who claims first pays the worker, whose own claim pays 0, and a batch with it goes through', async () => {
    const [first, second] = [payee(cumulative), payee(7n)];
    const posted = await claimable([first, second]);
    expect((await sender.send(stranger, posted.claim(0))).reason).toBe(PAID);
    expect([await balance(first), await balance({ ...first, account: stranger.address })]).toEqual([100n, 0n]);
    const batch = await sender.send(court, posted.claim(0), posted.claim(1), posted.claim(0));
    expect(batch.reason).toBe(PAID);
    expect([await balance(first), await balance(second)]).toEqual([100n, 7n]);
  });

  it('forged leaf: another amount, another account, an inner node, a short and a long proof, a moved index and a padding leaf pay nothing', async () => {
    const payees = [payee(10n), payee(20n), payee(30n)];
    const posted = await claimable(payees);
    const [first, second, third] = payees as [Payee, Payee, Payee];
    const before = await paidBefore();
    const leaf = leafHasher({ chainId: textFelt('SN_SEPOLIA'), store });
    const reasons: [string, Call][] = [
      ['CIRO-CS: bad proof', posted.claim(0, { payee: { ...first, cumulative: 11n } })],
      ['CIRO-CS: bad proof', posted.claim(0, { payee: { ...first, account: stranger.address } })],
      ['CIRO-CS: bad proof', posted.claim(0, { index: 1 })],
      ['CIRO-CS: bad proof length', posted.claim(0, { proof: (proof) => proof.slice(1) })],
      ['CIRO-CS: bad proof length', posted.claim(0, { proof: (proof) => [...proof, felt(0)] })],
      // The node over leaves 0 and 1 as if it were a leaf, its children as its account and amount: a leaf is another hash.
      ['CIRO-CS: bad proof length', posted.claim(0, { payee: { account: felt(leaf(BigInt(first.account), 10n) % 2n ** 251n), cumulative: leaf(BigInt(second.account), 20n) % 2n ** 128n }, proof: (proof) => proof.slice(1) })],
      ['CIRO-CS: index range', posted.claim(2, { index: 3, payee: { ...third, cumulative: 0n + 1n } })],
      ['CIRO-CS: index range', posted.claim(2, { index: 3 })],
      ['CIRO-CS: zero address', posted.claim(2, { index: 3, payee: { account: felt(0), cumulative: 1n } })],
    ];
    for (const [reason, call] of reasons) expect([(await sender.send(stranger, call)).reason, call.calldata]).toEqual([reason, call.calldata]);
    expect(await paidBefore()).toBe(before);
    // Every true leaf still pays.
    expect((await sender.send(stranger, posted.claim(0), posted.claim(1), posted.claim(2))).reason).toBe(PAID);
    expect((await paidBefore()) - before).toBe(60n);
  });

  it('duplicate leaf: the builder refuses an account twice, and the contract pays two leaves of one account the greater of both, each index once', async () => {
    const twice = payee(40n);
    expect(() => draftEpoch({ network: 'n', chainId: '0x1', store: '0x2', epoch: 1, payees: [twice, { ...twice, cumulative: 1n }] })).toThrow(expect.objectContaining({ code: 'duplicate-account' }));
    const posted = await claimable([twice, { ...twice, cumulative: 70n }]);
    const calls = [posted.claim(0), posted.claim(1), posted.claim(1), posted.claim(0)];
    for (const call of calls) expect((await sender.send(stranger, call)).reason).toBe(PAID);
    expect(await balance(twice)).toBe(70n);
  });

  it('replayed proof: of another epoch, of another contract and of another chain it pays nothing, even under its own root', async () => {
    const one = await claimable([payee(10n), payee(20n)]);
    const two = await claimable([payee(10n), payee(20n)]);
    expect((await sender.send(stranger, one.claim(0, { epoch: two.epoch }))).reason).toBe('CIRO-CS: bad proof');
    // A settler who posts a root of elsewhere gives nobody a payment: the leaf is hashed for this contract and chain.
    for (const domain of [{ chainId: textFelt('SN_SEPOLIA'), store: felt(0x5707e) }, { chainId: textFelt('SN_MAIN'), store }]) {
      const foreign = await claimable([payee(10n), payee(20n)], { domain });
      expect((await sender.send(stranger, foreign.claim(0))).reason).toBe('CIRO-CS: bad proof');
    }
    expect((await sender.send(stranger, one.claim(0))).reason).toBe(PAID);
  });

  it('insolvent epoch: leaves over the total pay until it is reached and then are refused; other roots go on; a total over the funds is not posted', async () => {
    const sound = await post([payee(30n), payee(30n)], { owed: 60n });
    const lying = await claimable([payee(100n), payee(100n)], { owed: 150n });
    expect((await sender.send(stranger, lying.claim(0))).reason).toBe(PAID);
    expect((await sender.send(stranger, lying.claim(1))).reason).toBe('CIRO-CS: over total');
    expect(await Promise.all(lying.payees.map(balance))).toEqual([100n, 0n]);
    expect((await sender.send(stranger, sound.claim(0))).reason).toBe(PAID);
    // The next root says right what is owed, and everybody has it.
    const next = await claimable([...lying.payees, ...sound.payees], { owed: 100n + 30n });
    expect((await sender.send(stranger, next.claim(1), next.claim(3))).reason).toBe(PAID);
    expect(await Promise.all([...lying.payees, ...sound.payees].map(balance))).toEqual([100n, 100n, 30n, 30n]);
    const held = await devnet.tokensOf(store);
    expect((await post([payee(held + 1n)])).outcome.reason).toBe('CIRO-CS: not funded');
    expect((await post([payee(held)])).outcome.reason).toBe(PAID);
  });

  it('times to the second: a veto is in time in the last second of the window and late at its end, where claims begin', async () => {
    const one = await post([payee(1n)]);
    sender.now = one.claimableAt - 1;
    expect((await sender.send(stranger, one.claim(0))).reason).toBe('CIRO-CS: not claimable yet');
    expect((await sender.send(guardian, { to: store, entrypoint: 'veto_epoch', calldata: [felt(one.epoch)] })).reason).toBe(PAID);
    sender.now += CHALLENGE_WINDOW_S;
    expect((await sender.send(stranger, one.claim(0))).reason).toBe('CIRO-CS: vetoed');

    const two = await post([payee(2n)]);
    sender.now = two.claimableAt;
    expect((await sender.send(guardian, { to: store, entrypoint: 'veto_epoch', calldata: [felt(two.epoch)] })).reason).toBe('CIRO-CS: window over');
    expect((await sender.send(stranger, two.claim(0))).reason).toBe(PAID);
    expect(await Promise.all([...one.payees, ...two.payees].map(balance))).toEqual([0n, 2n]);
  });

  it('roles: nobody without one posts, vetoes, pauses, sweeps, upgrades or gives roles, and the settler\'s own key does not upgrade', async () => {
    const upgrade: Call = { to: store, entrypoint: 'upgrade', calldata: [felt(await sender.chain.classHashAt(store) ?? 1)] };
    const calls: [string, Keys, Call][] = [
      ['CIRO-AC: missing role', stranger, { to: store, entrypoint: 'post_epoch', calldata: [felt(epoch + 1), felt(1), felt(FUNDS), felt(1), felt(0), felt(0)] }],
      ['CIRO-AC: missing role', stranger, { to: store, entrypoint: 'veto_epoch', calldata: [felt(epoch)] }],
      ['CIRO-AC: missing role', stranger, { to: store, entrypoint: 'hold_epoch', calldata: [felt(epoch), felt(1)] }],
      ['CIRO-AC: missing role', stranger, { to: store, entrypoint: 'pause', calldata: [] }],
      ['CIRO-AC: not owner', stranger, { to: store, entrypoint: 'sweep', calldata: [] }],
      ['CIRO-AC: not owner', guardian, upgrade],
      ['CIRO-AC: not owner', court, upgrade],
      ['CIRO-AC: not owner', guardian, { to: store, entrypoint: 'grant_role', calldata: [selectorOf('SETTLER'), guardian.address] }],
    ];
    for (const [reason, from, call] of calls) expect([call.entrypoint, (await sender.send(from, call)).reason]).toEqual([call.entrypoint, reason]);
  });

  it('pause: a guardian stops new roots and no claim, and only the owner goes on', async () => {
    const posted = await claimable([payee(5n)]);
    expect((await sender.send(guardian, { to: store, entrypoint: 'pause', calldata: [] })).reason).toBe(PAID);
    expect((await post([payee(6n)])).outcome.reason).toBe('CIRO-AC: paused');
    expect((await sender.send(stranger, posted.claim(0))).reason).toBe(PAID);
    expect(await balance(posted.payees[0] as Payee)).toBe(5n);
    expect((await sender.send(guardian, { to: store, entrypoint: 'unpause', calldata: [] })).reason).toBe('CIRO-AC: not owner');
    expect((await sender.send(settler, { to: store, entrypoint: 'unpause', calldata: [] })).reason).toBe(PAID);
    expect((await post([payee(6n)])).outcome.reason).toBe(PAID);
  });
});
