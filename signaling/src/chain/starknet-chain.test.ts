import { describe, expect, it } from 'vitest';
import { NodeRpc } from './node-rpc.ts';
import { revertReason } from './revert-reason.ts';
import { StarknetChain } from './starknet-chain.ts';
import type { Fetch } from './node-rpc.ts';

const CHAIN = '0x534e5f5345504f4c4941';
const SENDER = { address: '0xa1', privateKey: '0x71d7bb07b9a64f6f78ac4c816aff4da9' } as const;
const NODE_URL = 'http://node.example/secret-key';
const CALL = { to: '0x1', selector: '0x2', calldata: ['0x3'] } as const;
const BOUNDS = { l1Gas: { amount: 0n, price: 1n }, l1DataGas: { amount: 5n, price: 2n }, l2Gas: { amount: 1_000n, price: 3n } };

type Answer = { result: unknown } | { error: { code: number; message: string; data?: unknown } } | string | 'silence';

/** A node whose answers are given by method; what it was asked is kept. */
async function setup(answers: Readonly<Record<string, Answer | (() => Answer)>> = {}) {
  const asked: { method: string; params: Record<string, unknown> }[] = [];
  const fetch: Fetch = async (_url, init) => {
    const { method, params } = JSON.parse(String(init?.body)) as { method: string; params: Record<string, unknown> };
    asked.push({ method, params });
    const given = answers[method] ?? (method === 'starknet_chainId' ? { result: CHAIN } : 'silence');
    const answer = typeof given === 'function' ? given() : given;
    if (answer === 'silence') throw new TypeError(`fetch failed: ${NODE_URL}`);
    return new Response(typeof answer === 'string' ? answer : JSON.stringify({ jsonrpc: '2.0', id: 1, ...answer }));
  };
  return { asked, chain: await StarknetChain.open({ nodeUrl: NODE_URL, chainId: CHAIN, senders: [SENDER], fetch }) };
}

const refusal = (code: number, data?: unknown): Answer => ({ error: { code, message: 'no', ...(data === undefined ? {} : { data }) } });

describe('StarknetChain', () => {
  it('is opened on its own chain only', async () => {
    await expect(setup({ starknet_chainId: { result: '0x534e5f4d41494e' } })).rejects.toThrow(expect.objectContaining({ code: 'wrong-chain' }));
    await expect(setup({ starknet_chainId: { result: 12 } })).rejects.toThrow(expect.objectContaining({ code: 'bad-node-answer' }));
  });

  const nonsense: readonly (readonly [what: string, answer: Answer, code: string])[] = [
    ['silence', 'silence', 'node-unavailable'],
    ['a page', '<html>', 'bad-node-answer'],
    ['null', 'null', 'bad-node-answer'],
    ['no result', '{"jsonrpc":"2.0","id":1}', 'bad-node-answer'],
    ['a number for a felt', { result: 3 }, 'bad-node-answer'],
    ['a felt beyond the field', { result: `0x${'f'.repeat(64)}` }, 'bad-node-answer'],
    ['an error it should not have', refusal(-32603), 'node-unavailable'],
  ];

  it.each(nonsense)('says what to do when a nonce is asked for and %s comes, without the address of the node', async (_what, answer, code) => {
    const { chain } = await setup({ starknet_getNonce: answer });
    const error: unknown = await chain.nonceOf('0xa1').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain('secret-key');
  });

  it('ends a call to a node that never answers', async () => {
    const hanging: Fetch = (_url, init) => new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
    await expect(new NodeRpc(NODE_URL, { fetch: hanging, timeoutMs: 20 }).call('starknet_chainId', {}, {} as never)).rejects.toThrow(expect.objectContaining({ code: 'node-unavailable' }));
  });

  it('simulates without a signature, and tells the reason of a revert', async () => {
    const estimate = { l1_gas_consumed: '0x0', l1_gas_price: '0x1', l1_data_gas_consumed: '0x80', l1_data_gas_price: '0x2', l2_gas_consumed: '0x64', l2_gas_price: '0x3', overall_fee: '0x22c', unit: 'FRI' };
    const good = await setup({ starknet_getNonce: { result: '0x4' }, starknet_estimateFee: { result: [estimate] } });
    expect(await good.chain.simulate('0xa1', [CALL])).toMatchObject({ fee: 0x22cn, used: { l2Gas: { amount: 100n, price: 3n } } });
    expect(good.asked.at(-1)?.params).toMatchObject({ simulation_flags: ['SKIP_VALIDATE'], request: [{ signature: [], nonce: '0x4', calldata: ['0x1', '0x1', '0x2', '0x1', '0x3'] }] });
    const bad = await setup({ starknet_getNonce: { result: '0x4' }, starknet_estimateFee: refusal(41, { transaction_index: 0, execution_error: { error: { error: '0x4349 (\'CIRO-PM: call not allowed\'), 0x454e (\'ENTRYPOINT_FAILED\')' } } }) });
    await expect(bad.chain.simulate('0xa1', [CALL])).rejects.toThrow(expect.objectContaining({ code: 'execution-error', message: 'CIRO-PM: call not allowed' }));
    const wei = await setup({ starknet_getNonce: { result: '0x4' }, starknet_estimateFee: { result: [{ ...estimate, unit: 'WEI' }] } });
    await expect(wei.chain.simulate('0xa1', [CALL])).rejects.toThrow(expect.objectContaining({ code: 'bad-node-answer' }));
  });

  it('simulates again when its sender sent something meanwhile, and not when the calls are at fault', async () => {
    const estimate = { l1_gas_consumed: '0x0', l1_gas_price: '0x1', l1_data_gas_consumed: '0x0', l1_data_gas_price: '0x2', l2_gas_consumed: '0x64', l2_gas_price: '0x3', overall_fee: '0x12c', unit: 'FRI' };
    let nonce = 4;
    const spoilt = await setup({
      starknet_getNonce: () => ({ result: `0x${nonce}` }),
      starknet_estimateFee: () => (nonce++ === 4 ? refusal(41, { execution_error: 'Invalid transaction nonce' }) : { result: [estimate] }),
    });
    expect((await spoilt.chain.simulate('0xa1', [CALL])).fee).toBe(300n);
    expect(spoilt.asked.filter(({ method }) => method === 'starknet_estimateFee')).toHaveLength(2);
    const bad = await setup({ starknet_getNonce: { result: '0x4' }, starknet_estimateFee: refusal(41, 'bad') });
    await expect(bad.chain.simulate('0xa1', [CALL])).rejects.toThrow(expect.objectContaining({ code: 'execution-error' }));
    expect(bad.asked.filter(({ method }) => method === 'starknet_estimateFee')).toHaveLength(1);
  });

  it('hands in under the hash it computed; a duplicate was taken, a nonce or a fee was not', async () => {
    let answer: Answer = 'silence';
    const { chain, asked } = await setup({ starknet_addInvokeTransaction: () => answer });
    const signed = await chain.sign('0xa1', [CALL], 4n, BOUNDS);
    expect(JSON.stringify(signed.body)).not.toContain(SENDER.privateKey.slice(2));
    answer = { result: { transaction_hash: signed.hash } };
    await chain.submit(signed);
    expect(asked.at(-1)?.params).toMatchObject({ invoke_transaction: { nonce: '0x4', resource_bounds: { l2_gas: { max_amount: '0x3e8', max_price_per_unit: '0x3' } } } });
    answer = refusal(59);
    await chain.submit(signed);
    const codes: string[] = [];
    for (answer of [refusal(52), refusal(54), refusal(55), 'silence', { result: { transaction_hash: '0x1' } }] as Answer[]) codes.push(await chain.submit(signed).then(() => 'taken', ({ code }: { code: string }) => code));
    expect(codes).toEqual(['nonce-refused', 'submit-refused', 'submit-refused', 'node-unavailable', 'bad-node-answer']);
    await expect(chain.sign('0xa2', [CALL], 4n, BOUNDS)).rejects.toThrow(expect.objectContaining({ code: 'bad-options' }));
  });

  it('knows a transaction that waits from one that nobody knows', async () => {
    const known = { execution_status: 'REVERTED', revert_reason: "0x1 ('CIRO-CS: bad proof')", actual_fee: { amount: '0x9', unit: 'FRI' }, execution_resources: { l2_gas: 7 } };
    expect(await (await setup({ starknet_getTransactionReceipt: { result: known } })).chain.state('0x1')).toEqual({ status: 'reverted', fee: 9n, l2Gas: 7n, reason: 'CIRO-CS: bad proof' });
    expect(await (await setup({ starknet_getTransactionReceipt: refusal(29), starknet_getTransactionStatus: { result: { finality_status: 'RECEIVED' } } })).chain.state('0x1')).toEqual({ status: 'waiting' });
    expect(await (await setup({ starknet_getTransactionReceipt: refusal(29), starknet_getTransactionStatus: refusal(29) })).chain.state('0x1')).toEqual({ status: 'unknown' });
  });

  it('takes for a valid signature what the account calls valid, and nothing else', async () => {
    const says = async (answer: Answer): Promise<boolean> => (await setup({ starknet_call: answer })).chain.isValidSignature('0x1', '0x2', ['0x3']);
    expect([await says({ result: ['0x56414c4944'] }), await says({ result: ['0x1'] }), await says({ result: [] }), await says(refusal(40, {}))]).toEqual([true, false, false, false]);
    await expect(says('silence')).rejects.toThrow(expect.objectContaining({ code: 'node-unavailable' }));
  });
});

it('revert reasons are short, whatever a node says', () => {
  expect(revertReason('x'.repeat(10_000))).toHaveLength(400);
  expect(revertReason(undefined)).toBe('the node gave no reason');
  expect(revertReason({ error: "(0x53 ('SRC9: duplicated nonce'), 0x454e ('ENTRYPOINT_FAILED'))" })).toBe('SRC9: duplicated nonce');
});
