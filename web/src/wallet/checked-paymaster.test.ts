import { hash, outsideExecution } from 'starknet';
import { describe, expect, it } from 'vitest';
import { checkedPaymaster } from './checked-paymaster.ts';
import type { ExecutionParameters, PaymasterInterface, PreparedTransaction, UserTransaction } from 'starknet';

const CHAIN = '0x534e5f5345504f4c4941';
const FORWARDER = '0xf0';
const NOW_S = 1_800_000_000;
const ACCOUNT = '0xacc';
const CALLS = [{ contractAddress: '0x0123', entrypoint: 'claim', calldata: ['0x1', 2, 3n] }];
const SPONSORED: ExecutionParameters = { version: '0x1', feeMode: { mode: 'sponsored' } };
const DEPLOYMENT = { address: ACCOUNT, class_hash: '0x5b4', salt: '0x9', calldata: ['0x9'], version: 1 as const };
const FEE = { gas_token_price_in_strk: 1n, estimated_fee_in_strk: 0n, estimated_fee_in_gas_token: 0n, suggested_max_fee_in_strk: 0n, suggested_max_fee_in_gas_token: 0n };

interface Lie {
  readonly caller?: string;
  readonly before?: number;
  readonly after?: number;
  readonly chainId?: string;
  readonly calls?: readonly object[];
  readonly change?: (prepared: Record<string, unknown> & { typed_data: Record<string, unknown> & { message: Record<string, unknown>; types: Record<string, unknown> } }) => void;
}

const HONEST_CALL = { To: '0x123', Selector: hash.getSelectorFromName('claim'), Calldata: ['0x1', '0x2', '0x3'] };

/** A paymaster that builds what it is asked for, but for one lie; and counts what reaches it. */
function setup(lie: Lie = {}) {
  const executed: unknown[] = [];
  const inner: PaymasterInterface = {
    nodeUrl: 'http://127.0.0.1/', headers: {}, baseFetch: globalThis.fetch,
    isAvailable: () => Promise.resolve(true),
    getSupportedTokens: () => Promise.resolve([]),
    buildTransaction: (transaction: UserTransaction) => {
      const bounds = { caller: lie.caller ?? FORWARDER, execute_after: lie.after ?? NOW_S - 60, execute_before: lie.before ?? NOW_S + 900 };
      const typed = outsideExecution.getTypedData((lie.chainId ?? CHAIN) as never, bounds, '0x77', [], '2');
      const prepared = {
        type: transaction.type,
        ...(transaction.type === 'deploy' ? {} : { typed_data: { ...structuredClone(typed), message: { ...structuredClone(typed.message), Calls: lie.calls ?? [HONEST_CALL] } } }),
        ...(transaction.type === 'invoke' ? {} : { deployment: { ...DEPLOYMENT, address: '0x0acc' } }),
        parameters: SPONSORED, fee: FEE,
      };
      lie.change?.(prepared as never);
      return Promise.resolve(prepared as unknown as PreparedTransaction);
    },
    executeTransaction: (transaction) => {
      executed.push(transaction);
      return Promise.resolve({ tracking_id: '0x1', transaction_hash: '0x2' });
    },
  };
  const paymaster = checkedPaymaster(inner, { forwarder: FORWARDER, chainId: CHAIN, now: () => NOW_S * 1000 });
  const invoke: UserTransaction = { type: 'invoke', invoke: { userAddress: ACCOUNT, calls: CALLS as never } };
  return { paymaster, executed, invoke, deployAndInvoke: { type: 'deploy_and_invoke', deployment: DEPLOYMENT, invoke: invoke.invoke } as UserTransaction };
}

/** Lies of a paymaster, each alone, and what is said of it. */
const LIES: readonly (readonly [what: string, lie: Lie, code: string])[] = [
  ['a type changed to deploy, which would lose the calls', { change: (prepared) => (prepared['type'] = 'deploy') }, 'wrong-type'],
  ['another caller', { caller: '0xf1' }, 'wrong-caller'],
  ['anybody as caller', { caller: '0x414e595f43414c4c4552' }, 'wrong-caller'],
  ['one call more', { calls: [HONEST_CALL, { ...HONEST_CALL, To: '0x666' }] }, 'wrong-calls'],
  ['no call', { calls: [] }, 'wrong-calls'],
  ['another contract', { calls: [{ ...HONEST_CALL, To: '0x124' }] }, 'wrong-calls'],
  ['another entry point', { calls: [{ ...HONEST_CALL, Selector: hash.getSelectorFromName('transfer') }] }, 'wrong-calls'],
  ['another amount', { calls: [{ ...HONEST_CALL, Calldata: ['0x1', '0x2', '0x4'] }] }, 'wrong-calls'],
  ['felts moved between calls', { calls: [{ ...HONEST_CALL, Calldata: ['0x1', '0x2'] }] }, 'wrong-calls'],
  ['both calls and Calls', { change: ({ typed_data }) => (typed_data.message['calls'] = []) }, 'wrong-shape'],
  ['another chain', { chainId: '0x534e5f4d41494e' }, 'wrong-chain'],
  ['bounds over an hour', { before: NOW_S + 3_600 + 121 }, 'wrong-bounds'],
  ['bounds that are over', { before: NOW_S - 121 }, 'wrong-bounds'],
  ['bounds that begin later', { after: NOW_S + 200 }, 'wrong-bounds'],
  ['a fee in a token', { change: (prepared) => (prepared['parameters'] = { version: '0x1', feeMode: { mode: 'default', gasToken: '0x5' } }) }, 'not-sponsored'],
  ['types that hide a field from the hash', { change: ({ typed_data }) => (typed_data.types['Call'] = [{ name: 'To', type: 'ContractAddress' }]) }, 'wrong-shape'],
  ['version 1 of the domain', { change: ({ typed_data }) => (typed_data['domain'] = { name: 'Account.execute_from_outside', version: '1', chainId: CHAIN, revision: '1' }) }, 'wrong-shape'],
  ['a nonce that is no number', { change: ({ typed_data }) => (typed_data.message['Nonce'] = 'x') }, 'wrong-shape'],
  ['no typed data', { change: (prepared) => delete (prepared as Record<string, unknown>)['typed_data'] }, 'wrong-shape'],
];

describe('checkedPaymaster (SPEC Y4)', () => {
  it('passes what was asked for on, and executes it', async () => {
    const { paymaster, invoke, executed } = setup();
    const prepared = await paymaster.buildTransaction(invoke, SPONSORED);
    if (prepared.type !== 'invoke') throw new Error(prepared.type);
    await paymaster.executeTransaction({ type: 'invoke', invoke: { userAddress: ACCOUNT, typedData: prepared.typed_data, signature: ['0x1', '0x2'] } }, SPONSORED);
    expect(executed).toHaveLength(1);
  });

  it.each(LIES)('refuses %s', async (_what, lie, code) => {
    const { paymaster, invoke, executed } = setup(lie);
    await expect(paymaster.buildTransaction(invoke, SPONSORED)).rejects.toThrow(expect.objectContaining({ name: 'PaymasterError', code }));
    expect(executed).toEqual([]);
  });

  it('takes a deployment of the same account, however it is padded, and no other', async () => {
    const honest = setup();
    expect((await honest.paymaster.buildTransaction(honest.deployAndInvoke, SPONSORED)).type).toBe('deploy_and_invoke');
    const { paymaster, deployAndInvoke } = setup({ change: (prepared) => (prepared['deployment'] = { ...DEPLOYMENT, calldata: ['0x666'], salt: '0x666' }) });
    await expect(paymaster.buildTransaction(deployAndInvoke, SPONSORED)).rejects.toThrow(expect.objectContaining({ code: 'wrong-deployment' }));
  });

  it('executes nothing that it has not checked, and nothing that was changed afterwards', async () => {
    const { paymaster, invoke, executed } = setup();
    const prepared = await paymaster.buildTransaction(invoke, SPONSORED);
    if (prepared.type !== 'invoke') throw new Error(prepared.type);
    const copy = structuredClone(prepared.typed_data);
    expect(() => paymaster.executeTransaction({ type: 'invoke', invoke: { userAddress: ACCOUNT, typedData: copy, signature: [] } }, SPONSORED)).toThrow(expect.objectContaining({ code: 'not-checked' }));
    expect(() => ((prepared.typed_data.message as unknown as Record<string, unknown>)['Caller'] = '0x1')).toThrow(TypeError);
    expect(executed).toEqual([]);
  });

  it('asks for nothing that costs the worker a fee, and for no calldata that it does not understand', async () => {
    const { paymaster } = setup();
    const invoke = (calldata: unknown): UserTransaction => ({ type: 'invoke', invoke: { userAddress: ACCOUNT, calls: [{ contractAddress: '0x1', entrypoint: 'claim', calldata }] as never } });
    await expect(paymaster.buildTransaction(invoke([]), { version: '0x1', feeMode: { mode: 'default', gasToken: '0x1' } })).rejects.toThrow(expect.objectContaining({ code: 'not-sponsored' }));
    await expect(paymaster.buildTransaction(invoke({ amount: 1 }), SPONSORED)).rejects.toThrow(expect.objectContaining({ code: 'bad-calls' }));
  });

  it('does not outlive the end that was asked for', async () => {
    const { paymaster, invoke } = setup();
    await expect(paymaster.buildTransaction(invoke, { ...SPONSORED, timeBounds: { executeBefore: NOW_S + 300 } })).rejects.toThrow(expect.objectContaining({ code: 'wrong-bounds' }));
  });
});
