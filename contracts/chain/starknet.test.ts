import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { ChainAccount } from './account.ts';
import { felt, textFelt } from './felts.ts';
import { ChainClient } from './starknet.ts';
import type { AddressInfo } from 'node:net';

const CALL = { to: felt(5), entrypoint: 'owner', calldata: [] };
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

type Answer = { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } } | 'hang' | 'drop';

/** A node that answers each method by the table; all methods that were asked are kept. */
async function node(answers: Readonly<Record<string, Answer>>): Promise<{ readonly rpc: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { id, method } = JSON.parse(body) as { id: number; method: string };
      asked.push(method);
      const answer = answers[method] ?? 'drop';
      if (answer === 'hang') return;
      if (answer === 'drop') return void request.socket.destroy();
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  }));
  return { rpc: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`, asked };
}

const SEPOLIA: Answer = { result: textFelt('SN_SEPOLIA') };
const connect = (rpc: string) => ChainClient.connect({ rpc, chainId: 'SN_SEPOLIA', local: true, answerTimeoutMs: 300 });

it('signs nothing for a node of another chain', async () => {
  const { rpc, asked } = await node({ starknet_chainId: { result: textFelt('SN_MAIN') } });
  await expect(connect(rpc)).rejects.toMatchObject({ code: 'wrong-chain', fields: { found: 'SN_MAIN', expected: 'SN_SEPOLIA' } });
  expect(new Set(asked)).toEqual(new Set(['starknet_chainId']));
});

it.for([['hang'], ['drop']] as const)('says that a node does not answer when its connections %s', async ([answer]) => {
  const { rpc } = await node({ starknet_chainId: SEPOLIA, starknet_call: answer });
  await expect((await connect(rpc)).view(CALL)).rejects.toMatchObject({ code: 'node-silent', fields: { rpc } });
});

it('takes an answer that is no JSON-RPC for none', async () => {
  const { rpc } = await node({ starknet_chainId: { result: null } });
  await expect(connect(rpc)).rejects.toMatchObject({ code: 'refused' });
});

it('tells a missing contract or class from a refusal', async () => {
  const missing = { error: { code: 20, message: 'Contract not found' } };
  const { rpc } = await node({ starknet_chainId: SEPOLIA, starknet_getClassHashAt: missing, starknet_getClass: { error: { code: 28, message: 'Class hash not found' } } });
  const chain = await connect(rpc);
  expect(await chain.classHashAt(felt(5))).toBeUndefined();
  expect(await chain.isDeclared(felt(6))).toBe(false);
});

it('gives the contract’s sentence when a view reverts', async () => {
  const error = { code: 40, message: 'Contract error', data: { revert_error: "Execution failed. Failure reason: 0x1 ('CIRO-CS: unknown epoch'), 0x2 ('ENTRYPOINT_FAILED')." } };
  const { rpc } = await node({ starknet_chainId: SEPOLIA, starknet_call: { error } });
  await expect((await connect(rpc)).view(CALL)).rejects.toMatchObject({ code: 'reverted', fields: { reason: 'CIRO-CS: unknown epoch' } });
});

it('stops at once when it is told to', async () => {
  const { rpc } = await node({ starknet_chainId: SEPOLIA, starknet_call: 'hang' });
  const stop = new AbortController();
  const chain = await ChainClient.connect({ rpc, chainId: 'SN_SEPOLIA', local: true, signal: stop.signal });
  const asking = chain.view(CALL);
  stop.abort(new Error('told to'));
  await expect(asking).rejects.toThrow('told to');
});

it('gives up a transaction whose sender the node does not know, without sending it', async () => {
  const { rpc, asked } = await node({ starknet_chainId: SEPOLIA, starknet_getNonce: { error: { code: 20, message: 'Contract not found' } } });
  const account = new ChainAccount(await connect(rpc), { address: felt(7), privateKey: felt(8) });
  await expect(account.execute('a test', [CALL])).rejects.toMatchObject({ name: 'ChainError' });
  expect(asked).not.toContain('starknet_addInvokeTransaction');
});
