/** The rows of docs/threats.md about outside executions and the sponsor's gas, on one devnet: what a stolen relayer key or a hostile worker could hand in. */
import { felt, selectorOf, textFelt } from '@ciro/contracts/chain/felts.ts';
import { Account, CallData, constants, outsideExecution } from 'starknet';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { devnetHere, startBareDevnet } from '../support/devnet-binary.ts';
import { deployPaymaster, paymasterClass } from '../support/paymaster-contract.ts';
import { STRK } from '../support/sponsored-worker.ts';
import { TimedSender } from '../support/timed-sender.ts';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { Devnet } from '@ciro/contracts/chain/devnet.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { Call } from '@ciro/contracts/chain/starknet.ts';

const here = await devnetHere();
const contract = await paymasterClass();
const missing = 'missing' in here ? here.missing : contract === undefined ? 'contracts/artefacts has no Paymaster' : undefined;
if (missing !== undefined) console.warn(`SKIPPED, threats to the sponsor: ${missing}`);
/** Seconds between a test's time and the ends of what is signed. */
const VALID_S = 600;
const DONE = null;
const ANYBODY = felt(constants.OutsideExecutionCallerAny);
/** Calls of one action, as paymaster-contract.ts sets them. */
const MAX_CALLS = 4;

interface Signed {
  readonly calls?: readonly Call[];
  readonly caller?: Felt;
  readonly chainId?: Felt;
  readonly after?: number;
  readonly before?: number;
  readonly by?: Keys;
}

describe.skipIf(missing !== undefined)('threats to the sponsor', () => {
  let devnet: Devnet;
  let sender: TimedSender;
  let paymaster: Felt;
  let [owner, relayer, worker, other] = [] as unknown as [Keys, Keys, Keys, Keys];
  let nonce = 1;
  let spenders = 0;

  const approve = (spender: Felt): Call => ({ to: STRK, entrypoint: 'approve', calldata: [spender, felt(7), felt(0)] });
  const freshSpender = (): Felt => felt(0x5000 + ++spenders);
  const allowance = (of: Felt, spender: Felt): Promise<bigint> => sender.view(STRK, 'allowance', of, spender);

  /** Calldata of `execute_from_outside_v2`, signed by the worker for the Paymaster, this chain and now, unless said otherwise. */
  async function sign({ calls = [approve(freshSpender())], caller = paymaster, chainId = textFelt('SN_SEPOLIA'), after = sender.now - VALID_S, before = sender.now + VALID_S, by = worker }: Signed = {}): Promise<readonly Felt[]> {
    const account = new Account({ provider: sender.chain.provider, address: by.address, signer: by.privateKey });
    const outside = { caller, nonce: felt(nonce++), execute_after: felt(after), execute_before: felt(before), calls: calls.map(({ to, entrypoint, calldata }) => ({ to, selector: selectorOf(entrypoint), calldata: [...calldata] })) };
    const typed = outsideExecution.getTypedData(chainId, { caller, execute_after: after, execute_before: before }, outside.nonce, calls.map(({ to, entrypoint, calldata }) => ({ contractAddress: to, entrypoint, calldata: [...calldata] })), '2');
    const signature = await account.signMessage(typed);
    return CallData.compile([outside, Array.isArray(signature) ? signature : [signature.r, signature.s]]).map((value) => felt(value));
  }

  const sponsored = (outside: readonly Felt[], { of = worker.address, entrypoint = 'execute_from_outside_v2' } = {}): Call => ({
    to: paymaster,
    entrypoint: 'execute_sponsored',
    calldata: [of, selectorOf(entrypoint), felt(outside.length), ...outside, felt(0)],
  });
  const reasonOf = async (from: Keys, call: Call): Promise<string | null> => (await sender.send(from, call)).reason;

  beforeAll(async () => {
    if (!('binary' in here) || contract === undefined) return;
    devnet = await startBareDevnet(here.binary);
    sender = await TimedSender.open(devnet.rpc);
    [owner, relayer, worker, other] = devnet.accounts as [Keys, Keys, Keys, Keys];
    paymaster = await deployPaymaster(contract, { provider: sender.chain.provider, accounts: devnet.accounts, senders: 2, allowed: [[STRK, 'approve']] });
  });
  afterAll(async () => {
    await devnet?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    sender.now += VALID_S;
  });

  it('outside-execution replay: a payload counts once, for its own account, for its own chain', async () => {
    const spender = freshSpender();
    const outside = await sign({ calls: [approve(spender)] });
    expect(await reasonOf(relayer, sponsored(outside, { of: other.address }))).toBe('SRC9: invalid signature');
    expect(await reasonOf(relayer, sponsored(outside))).toBe(DONE);
    expect(await reasonOf(relayer, sponsored(outside))).toBe('SRC9: duplicated nonce');
    expect(await reasonOf(relayer, sponsored(await sign({ chainId: textFelt('SN_MAIN') })))).toBe('SRC9: invalid signature');
    expect([await allowance(worker.address, spender), await allowance(other.address, spender)]).toEqual([7n, 0n]);
  });

  it('outside-execution bounds: at execute_after it is too early, at execute_before too late, a second inside of either it is carried out', async () => {
    const [after, before] = [sender.now, sender.now + 10];
    const [first, second] = [await sign({ after, before }), await sign({ after, before })];
    expect(await reasonOf(relayer, sponsored(first))).toBe('SRC9: now <= execute_after');
    sender.now = after + 1;
    expect(await reasonOf(relayer, sponsored(first))).toBe(DONE);
    sender.now = before;
    expect(await reasonOf(relayer, sponsored(second))).toBe('SRC9: now >= execute_before');
    sender.now = before - 1;
    expect(await reasonOf(relayer, sponsored(second))).toBe(DONE);
  });

  it('outside-execution caller: only the forwarder hands in what names it, and it hands in nothing that names another or anybody', async () => {
    const outside = await sign();
    expect(await reasonOf(other, { to: worker.address, entrypoint: 'execute_from_outside_v2', calldata: outside })).toBe('SRC9: invalid caller');
    expect(await reasonOf(other, sponsored(outside))).toBe('CIRO-AC: missing role');
    for (const caller of [other.address, ANYBODY]) expect(await reasonOf(relayer, sponsored(await sign({ caller })))).toBe('CIRO-PM: foreign caller');
    expect(await reasonOf(relayer, sponsored(outside))).toBe(DONE);
  });

  it('sponsor draining by call: own tokens, other entry points, one bad call among good ones, too many, and entry points that are no outside execution', async () => {
    const own: Call = { ...approve(freshSpender()), to: other.address };
    const transfer: Call = { to: STRK, entrypoint: 'transfer', calldata: [other.address, felt(1), felt(0)] };
    const good = approve(freshSpender());
    for (const calls of [[own], [transfer], [good, own], [good, transfer, good]]) expect(await reasonOf(relayer, sponsored(await sign({ calls })))).toBe('CIRO-PM: call not allowed');
    expect(await reasonOf(relayer, sponsored(await sign({ calls: Array.from({ length: MAX_CALLS + 1 }, () => good) })))).toBe('CIRO-PM: too many calls');
    expect(await reasonOf(relayer, sponsored(await sign({ calls: [] })))).toBe('CIRO-PM: no calls');
    for (const entrypoint of ['__execute__', 'transfer']) expect(await reasonOf(relayer, sponsored(await sign(), { entrypoint }))).toBe('CIRO-PM: bad entrypoint');
    const outside = await sign();
    expect(await reasonOf(relayer, sponsored([...outside, felt(0)]))).toBe('CIRO-PM: bad calldata');
    expect(await reasonOf(relayer, sponsored(outside.slice(0, -1)))).toBe('Index out of bounds');
    expect(await reasonOf(relayer, sponsored(await sign({ calls: Array.from({ length: MAX_CALLS }, () => good) })))).toBe(DONE);
  });

  it('sponsor draining by volume: an account and a day have their quotas, which a relayer cannot raise, nor write the list', async () => {
    const quota = (perAccount: number, perDay: number): Call => ({ to: paymaster, entrypoint: 'set_quota', calldata: [felt(MAX_CALLS), felt(perAccount), felt(perDay)] });
    const used = Number(await sender.view(paymaster, 'used_today', worker.address));
    const listed: Call = { to: paymaster, entrypoint: 'set_allowed', calldata: [STRK, selectorOf('transfer'), felt(1)] };
    for (const call of [quota(1_000, 10_000), listed]) expect(await reasonOf(relayer, call)).toBe('CIRO-AC: missing role');
    expect(await reasonOf(owner, quota(used + 1, 10_000))).toBe(DONE);
    expect(await reasonOf(relayer, sponsored(await sign()))).toBe(DONE);
    expect(await reasonOf(relayer, sponsored(await sign()))).toBe('CIRO-PM: account quota used');
    const all = Number(await sender.view(paymaster, 'used_today_all'));
    expect(await reasonOf(owner, quota(all, all))).toBe(DONE);
    expect(await reasonOf(relayer, sponsored(await sign({ by: other }), { of: other.address }))).toBe('CIRO-PM: day quota used');
    sender.now += 86_400;
    expect(await reasonOf(relayer, sponsored(await sign()))).toBe(DONE);
  });

  it('role and upgrade abuse: a relayer neither upgrades the forwarder nor gives roles, and the forwarder holds no funds', async () => {
    const upgrade: Call = { to: paymaster, entrypoint: 'upgrade', calldata: [(await sender.chain.classHashAt(paymaster)) ?? felt(1)] };
    const grant: Call = { to: paymaster, entrypoint: 'grant_role', calldata: [selectorOf('RELAYER'), other.address] };
    for (const call of [upgrade, grant]) expect(await reasonOf(relayer, call)).toBe('CIRO-AC: not owner');
    expect(await sender.view(STRK, 'balance_of', paymaster)).toBe(0n);
  });
});
