import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openChain } from '@ciro/signaling/cli/open-chain.ts';
import type { AddressInfo } from 'node:net';

const ADDRESSES = { Treasury: '0x1', CiroToken: '0x2', CommitmentStore: '0xabc', CdcPool: '0x4', JobManager: '0x5', DisputeCourt: '0x6', Paymaster: '0x7' };
const SEPOLIA = '0x534e5f5345504f4c4941';
const MAINNET = '0x534e5f4d41494e';

let folder: string;
let lines: string[];
/** What the node answers each method; a method without an answer is refused. */
let answers: Readonly<Record<string, unknown>>;
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    const { id, method } = JSON.parse(body) as { id: number; method: string };
    const answer = answers[method];
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, ...(answer === undefined ? { error: { code: 20, message: 'Contract not found' } } : { result: answer }) }));
  });
});
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-open-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  lines = [];
  answers = { starknet_specVersion: '0.10.2', starknet_chainId: SEPOLIA, starknet_getClassHashAt: '0xc1a55', devnet_getPredeployedAccounts: [{ address: '0x55', private_key: '0x77' }, { address: '0x66', private_key: '0x88' }] };
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const rpc = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;

/** Opens the chain of such a file on a machine without a devnet. */
async function open(change: object = {}, env: NodeJS.ProcessEnv = {}) {
  const path = join(folder, 'chain.json');
  const file = { network: 'devnet', rpc: rpc(), chainId: 'SN_SEPOLIA', addresses: ADDRESSES, classHashes: { ...ADDRESSES, CommitmentStore: '0xc1a55' }, tokens: { stake: '0x9' }, roles: { settler: '0x55', relayer: '0x66', coordinator: '0x3' }, ...change };
  await writeFile(path, JSON.stringify(file));
  return openChain({ path, dataDir: folder, env: { CIRO_DEVNET_BIN: 'none', ...env }, report: (line) => void lines.push(line), signal: new AbortController().signal });
}

it('a local chain that answers is used: settled every half minute, with a relayer and a door; what its node gives no key for is named', async () => {
  await using chain = await open();
  expect(chain).toMatchObject({ local: true, door: { store: '0xabc' }, environment: { chain: { store: '0xabc', epochEveryMs: 30_000, mayBeginAnew: true, door: { forwarder: '0x7' } } } });
  expect(chain.environment.tickets?.('0x12')).toMatch(/^[0-9]+\.[0-9a-f]{32}\.[0-9a-f]{64}$/);
  expect(lines).toEqual([
    `workers are paid by contract 0xabc over ${rpc()}; a relayer pays their gas`,
    "no disputes: nobody gave the key of the coordinator's account 0x3 (CIRO_COORDINATOR_KEY)",
    'no escrows are served: CIRO_COORDINATOR_KEY does not give the key of coordinator 0x3',
  ]);
});

it('the key of tickets stays over a restart', async () => {
  await (await open())[Symbol.asyncDispose]();
  const key = await readFile(join(folder, 'ticket-key'), 'utf8');
  await (await open())[Symbol.asyncDispose]();
  expect([await readFile(join(folder, 'ticket-key'), 'utf8'), key.length]).toEqual([key, 64]);
});

it.each([
  ['does not answer', { rpc: 'http://127.0.0.1:9/rpc' }, {}, /does not answer/],
  ['is on another chain', {}, { starknet_chainId: MAINNET }, /is on SN_MAIN, not on SN_SEPOLIA/],
  ['has another class there', {}, { starknet_getClassHashAt: '0xdead' }, /has class 0xdead at 0xabc.*npm run chain/],
  ['has no contract there', {}, { starknet_getClassHashAt: undefined }, /has no contract at 0xabc.*npm run chain/],
])('a local node that %s is left with one line, and the ledger goes on', async (_what, change, answered, said) => {
  answers = { ...answers, ...answered };
  await using chain = await open(change);
  expect([chain.environment, chain.door]).toEqual([{}, undefined]);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(said);
  expect(lines[1]).toMatch(/^no chain: credits stay in the ledger/);
});

it.each([
  ['does not answer', { rpc: 'http://127.0.0.1:9/rpc' }, {}, 'node-silent'],
  ['is on another chain', {}, { starknet_chainId: MAINNET }, 'wrong-chain'],
  ['has another class there', {}, { starknet_getClassHashAt: '0xdead' }, 'foreign-class'],
])('a network’s node that %s is an error: its workers count on being paid', async (_what, change, answered, code) => {
  answers = { ...answers, ...answered };
  await expect(open({ network: 'sepolia', ...change }, { CIRO_SETTLER_KEY: '0x99' })).rejects.toMatchObject({ code });
});

it('a network without the settler’s key is an error that names the setting; with it, lines say what is not set', async () => {
  await expect(open({ network: 'sepolia' })).rejects.toMatchObject({ code: 'no-key', message: expect.stringContaining('CIRO_SETTLER_KEY') });
  await using chain = await open({ network: 'sepolia' }, { CIRO_SETTLER_KEY: '0x99' });
  expect(chain.environment.chain).toMatchObject({ settler: { address: '0x55', privateKey: '0x99' } });
  expect([chain.environment.chain?.epochEveryMs, chain.environment.paymaster, chain.environment.chain?.door?.rpc, chain.environment.chain?.door?.store]).toEqual([undefined, undefined, undefined, '0xabc']);
  expect(lines.join('\n')).toMatch(/nobody pays for their own transactions \(CIRO_RELAYER_KEYS, CIRO_PAYMASTER_URL\)[^]*CIRO_PUBLIC_RPC/);
});

it('without a file and without a devnet one line says where credits stay', async () => {
  await using chain = await openChain({ path: join(folder, 'none.json'), dataDir: folder, env: { CIRO_DEVNET_BIN: 'none' }, report: (line) => void lines.push(line), signal: new AbortController().signal });
  expect([chain.environment, lines.length]).toEqual([{}, 1]);
});
