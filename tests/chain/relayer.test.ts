import { ACCOUNT_CLASS_HASH } from '@ciro/core/settlement/payout-address.ts';
import { startRelayer } from '@ciro/signaling/chain/start-relayer.ts';
import { Account, RpcProvider, constants } from 'starknet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { devnetHere, startBareDevnet } from '../support/devnet-binary.ts';
import { deployPaymaster, paymasterClass } from '../support/paymaster-contract.ts';
import { STRK, sponsoredWorker, strkOf } from '../support/sponsored-worker.ts';
import type { Devnet } from '@ciro/contracts/chain/devnet.ts';
import type { Relayer } from '@ciro/signaling/chain/start-relayer.ts';
import type { Sponsored } from '../support/sponsored-worker.ts';

/** The bar for deploy and call in one transaction, of which the Paymaster contract takes its part. */
const FIRST_ACTION_L2_GAS = 7_000_000;
/** Workers that act at once in the test of batches. */
const AT_ONCE = 8;

const here = await devnetHere();
const binary = 'binary' in here ? here.binary : undefined;
if ('missing' in here) console.warn(`SKIPPED: ${here.missing}`);
const show = (what: string, { answeredMs, receiptMs, l2Gas }: Sponsored): void => console.log(`${what}: answered ${answeredMs} ms, receipt ${receiptMs} ms, ${(l2Gas / 1e6).toFixed(2)} M L2 gas`);
const approve = (amount: number) => [{ contractAddress: STRK, entrypoint: 'approve', calldata: ['0x57', `0x${amount.toString(16)}`, '0x0'] }];

const contract = await paymasterClass();
if (binary !== undefined && contract === undefined) console.warn('SKIPPED: the relayer through the Paymaster contract. contracts/artefacts has no Paymaster: compile the contracts');

/** Who calls the account: the sender itself, or the Paymaster contract on behalf of two senders. */
const ways = [
  { way: 'by its one account', senders: 1, skip: binary === undefined },
  { way: 'through the Paymaster contract', senders: 2, skip: binary === undefined || contract === undefined },
];

for (const { way, senders, skip } of ways) describe.skipIf(skip)(`the relayer over a real chain, ${way}`, () => {
  let devnet: Devnet;
  let provider: RpcProvider;
  let relayer: Relayer;
  const alarms: unknown[] = [];

  beforeAll(async () => {
    devnet = await startBareDevnet(binary ?? '');
    provider = await RpcProvider.create({ nodeUrl: devnet.rpc });
    const forwarder = senders === 1 || contract === undefined ? undefined : await deployPaymaster(contract, { provider, accounts: devnet.accounts, senders, allowed: [[STRK, 'approve'], [STRK, 'transfer']] });
    relayer = await startRelayer({
      nodeUrl: devnet.rpc,
      chainId: constants.StarknetChainId.SN_SEPOLIA,
      listen: { port: 0 },
      policy: {
        version: 1,
        calls: [{ to: STRK, entrypoints: ['approve', 'transfer'] }],
        accountClasses: [{ classHash: ACCOUNT_CLASS_HASH, constructor: 'public-key' }],
        actionsPerClientPerHour: 1_000,
        strkPerDay: '20',
        newAccounts: { tickets: true, workBits: null },
      },
      backEnd: { kind: 'local', senders: devnet.accounts.slice(0, senders), ...(forwarder && { forwarder }) },
      onAlarm: (alarm) => alarms.push(alarm),
    });
  });

  afterAll(async () => {
    await relayer?.close();
    await devnet?.[Symbol.asyncDispose]();
  });

  it('a worker without STRK deploys its account and acts in one transaction, then acts again', async () => {
    const worker = sponsoredWorker(provider, relayer);
    const first = await worker.act(approve(7), true);
    const second = await worker.act(approve(8), false);
    show('deploy and call', first);
    show('call', second);
    expect([first.succeeded, second.succeeded]).toEqual([true, true]);
    expect(BigInt(await provider.getClassHashAt(worker.address))).toBe(BigInt(ACCOUNT_CLASS_HASH));
    expect(await provider.callContract({ contractAddress: STRK, entrypoint: 'allowance', calldata: [worker.address, '0x57'] })).toEqual(['0x8', '0x0']);
    expect(await strkOf(provider, worker.address)).toBe(0n);
    expect(first.l2Gas).toBeLessThanOrEqual(FIRST_ACTION_L2_GAS);
    expect(alarms).toEqual([]);
  });

  it('deploys an account alone', async () => {
    const worker = sponsoredWorker(provider, relayer);
    expect((await worker.act([], true)).succeeded).toBe(true);
    expect(BigInt(await provider.getClassHashAt(worker.address))).toBe(BigInt(ACCOUNT_CLASS_HASH));
  });

  it('puts workers that act at once into few transactions, and the one that would revert into none', async () => {
    const workers = Array.from({ length: AT_ONCE }, () => sponsoredWorker(provider, relayer));
    const before = relayer.metrics().transactions;
    const transfer = [{ contractAddress: STRK, entrypoint: 'transfer', calldata: ['0x57', '0x1', '0x0'] }];
    const outcomes = await Promise.allSettled(workers.map((worker, index) => worker.act(index === 3 ? transfer : approve(index + 1), true)));
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason).slice(-300) : ''));
    expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value.succeeded), reasons.join('\n')).toEqual(workers.map((_, index) => index !== 3));
    expect(reasons[3]).toMatch(/balance/i);
    const after = relayer.metrics().transactions;
    console.log(`${AT_ONCE - 1} actions in ${after.sent - before.sent} transactions`);
    expect(after.sent - before.sent).toBeLessThan(AT_ONCE - 1);
    expect(after.reverted).toBe(before.reverted);
  });

  it('answers a replay with its transaction, and refuses a payload that was swapped', async () => {
    const worker = sponsoredWorker(provider, relayer);
    const details = { feeMode: { mode: 'sponsored' as const }, deploymentData: worker.deploymentData };
    const prepared = await worker.account.preparePaymasterTransaction(await worker.account.buildPaymasterTransaction(approve(1), details));
    const parameters = { version: '0x1' as const, feeMode: details.feeMode };
    const { transaction_hash } = await worker.account.paymaster.executeTransaction(prepared, parameters);
    await expect(worker.account.paymaster.executeTransaction(prepared, parameters)).rejects.toThrow(transaction_hash);
    const response = await fetch(relayer.url ?? '', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'paymaster_executeTransaction', params: { transaction: { type: 'invoke', invoke: { user_address: worker.address, typed_data: (prepared as { invoke: { typedData: object } }).invoke.typedData, signature: ['0x1', '0x2'] } }, parameters: { version: '0x1', fee_mode: { mode: 'sponsored' } } } }) });
    expect(await response.json()).toMatchObject({ error: { code: 163, data: expect.stringContaining('already-executed') } });
  });

  it('goes on when somebody else used its account in between', async () => {
    const worker = sponsoredWorker(provider, relayer);
    await worker.act(approve(1), true);
    const [sender] = devnet.accounts;
    const other = new Account({ provider, address: sender?.address ?? '', signer: sender?.privateKey ?? '' });
    const { transaction_hash } = await other.execute(approve(3), { tip: 0 });
    await provider.waitForTransaction(transaction_hash, { retryInterval: 20 });
    expect((await worker.act(approve(2), false)).succeeded).toBe(true);
  });

  const lies: readonly (readonly [what: string, code: string, lie: (result: Record<string, unknown>) => void])[] = [
    ['a deployment without the calls', 'wrong-type', (result) => (result['type'] = 'deploy')],
    ['another caller', 'wrong-caller', ({ typed_data }) => ((typed_data as { message: Record<string, unknown> }).message['Caller'] = '0x666')],
    ['bounds of a day', 'wrong-bounds', ({ typed_data }) => ((typed_data as { message: Record<string, unknown> }).message['Execute Before'] = `0x${(Math.floor(Date.now() / 1000) + 86_400).toString(16)}`)],
  ];

  it.each(lies)('a paymaster that answers with %s gets no signature', async (_what, code, lie) => {
    const worker = sponsoredWorker(provider, relayer, { lie: (method, result) => method === 'paymaster_buildTransaction' && lie(result) });
    await expect(worker.act(approve(1), true)).rejects.toThrow(expect.objectContaining({ name: 'PaymasterError', code }));
    await expect(provider.getClassHashAt(worker.address)).rejects.toThrow(/not found/i);
  });

  it('is paid for to the fri: what senders lost is what the relayer counts', async () => {
    const funds = async () => (await Promise.all(devnet.accounts.map(({ address }) => strkOf(provider, address)))).reduce((sum, strk) => sum + strk, 0n);
    const before = { strk: await funds(), fees: BigInt(relayer.metrics().feesFri) };
    await sponsoredWorker(provider, relayer).act(approve(1), true);
    await expect.poll(() => relayer.metrics().busySenders).toBe(0);
    const after = { strk: await funds(), fees: BigInt(relayer.metrics().feesFri) };
    expect(after.fees - before.fees).toBe(before.strk - after.strk);
    expect(relayer.metrics().today.reservedFri).toBe('0');
  });
});
