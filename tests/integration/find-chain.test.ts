import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { findChain, refuseSecondChain } from '@ciro/signaling/cli/find-chain.ts';
import type { AddressInfo } from 'node:net';

const ADDRESSES = { Treasury: '0x1', CiroToken: '0x2', CommitmentStore: '0xabc', CdcPool: '0x4', JobManager: '0x5', DisputeCourt: '0x6', Paymaster: '0x7' };
const SILENT = 'http://127.0.0.1:9/rpc';
const answers: Readonly<Record<string, unknown>> = { starknet_specVersion: '0.10.2', starknet_chainId: '0x534e5f5345504f4c4941', starknet_getClassHashAt: '0xc1a55' };

let folder: string;
let lines: string[];
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    const { id, method } = JSON.parse(body) as { id: number; method: string };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] }));
  });
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(async () => {
  lines = [];
  folder = await mkdtemp(join(tmpdir(), 'ciro-find-'));
  return () => rm(folder, { recursive: true, force: true });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const answering = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
const signal = new AbortController().signal;
const find = (env: NodeJS.ProcessEnv = {}): Promise<string> => findChain({ folder, env, report: (line) => void lines.push(line), signal });

async function put(name: string, rpc: string, network = 'devnet'): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify({ network, rpc, chainId: 'SN_SEPOLIA', addresses: ADDRESSES, classHashes: { ...ADDRESSES, CommitmentStore: '0xc1a55' }, tokens: { stake: '0x9' }, roles: { settler: '0x55', relayer: '0x66', coordinator: '0x3' } }));
  return path;
}

it('the chain of npm run chain comes first, that of npm start is found without it or when it is silent, and a line says which', async () => {
  const own = await put('.ciro/data/chain.json', answering());
  expect(await find()).toBe(own);
  const served = await put('.ciro/chain.json', answering());
  expect(await find()).toBe(served);
  await put('.ciro/chain.json', SILENT);
  expect(await find()).toBe(own);
  expect(lines).toEqual(['chain: .ciro/data/chain.json (of `npm start`)', 'chain: .ciro/chain.json (of `npm run chain`)', 'chain: .ciro/data/chain.json (of `npm start`)']);
});

it('without one the error names both files and why each is not used', async () => {
  await put('.ciro/data/chain.json', SILENT);
  await expect(find()).rejects.toMatchObject({ code: 'no-chain', message: expect.stringMatching(/\.ciro\/chain\.json \(of `npm run chain`\): there is no such file\n.*\.ciro\/data\/chain\.json \(of `npm start`\): .*127\.0\.0\.1:9[^]*CIRO_CHAIN_FILE/) });
});

it('CIRO_CHAIN_FILE comes before both, unasked, and has to be there', async () => {
  await put('.ciro/chain.json', answering());
  const other = await put('other.json', SILENT);
  expect(await find({ CIRO_CHAIN_FILE: other })).toBe(other);
  expect(lines).toEqual([`chain: ${other} (CIRO_CHAIN_FILE)`]);
  await expect(find({ CIRO_CHAIN_FILE: join(folder, 'none.json') })).rejects.toMatchObject({ code: 'no-chain', message: expect.stringContaining('none.json') });
});

it('a file that names a network is used without asking its node, which may be another than the file’s', async () => {
  const path = await put('.ciro/chain.json', SILENT, 'sepolia');
  expect(await find()).toBe(path);
});

it('a second chain is refused while the first one answers, and begun over what one that was killed left', async () => {
  const path = await put('.ciro/chain.json', answering());
  await expect(refuseSecondChain(path, signal)).rejects.toMatchObject({ code: 'devnet-failed', message: expect.stringContaining(`a chain runs already at ${answering()}`) });
  await put('.ciro/chain.json', SILENT);
  await refuseSecondChain(path, signal);
  await refuseSecondChain(join(folder, 'none.json'), signal);
});
