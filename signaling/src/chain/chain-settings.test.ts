import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chainSettingsOf, readChainFile } from './chain-settings.ts';
import type { AddressInfo } from 'node:net';

let folder: string;
const server = createServer((request, response) => {
  const accounts = [{ address: '0x055', private_key: '0x77', public_key: '0x1' }, { address: '0x66', private_key: '0x88', public_key: '0x2' }];
  request.resume().on('end', () => response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: accounts })));
});
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ciro-chain-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const rpc = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/rpc`;
async function fileOf(value: unknown): Promise<string> {
  const path = join(folder, 'chain.json');
  await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
}
const ADDRESSES = { Treasury: '0x1', CiroToken: '0x2', CommitmentStore: '0xabc', CdcPool: '0x4', JobManager: '0x5', DisputeCourt: '0x6', Paymaster: '0x7' };
const chain = (settler: string, network = 'devnet') => ({ network, rpc: rpc(), chainId: 'SN_SEPOLIA', addresses: ADDRESSES, classHashes: ADDRESSES, tokens: { stake: '0x9' }, roles: { settler, relayer: '0x66', coordinator: '0x3' } });
async function settings(content: unknown, env: NodeJS.ProcessEnv = {}) {
  const file = await readChainFile(await fileOf(content));
  if (file === undefined) throw new Error('the file is there');
  return chainSettingsOf(file, env);
}

it('without a file there is no chain', async () => {
  expect(await readChainFile(join(folder, 'none.json'))).toBeUndefined();
});

it('a devnet gives the keys of its own accounts: payments are booked at once, and its relayer pays through the Paymaster contract', async () => {
  const { settlement, relayer, local, door, publicDoor } = await settings(chain('0x55'));
  expect(settlement).toEqual({ rpc: rpc(), chainId: '0x534e5f5345504f4c4941', store: '0xabc', pool: '0x4', settler: { address: '0x55', privateKey: '0x77' }, confirmations: 0 });
  expect(relayer).toMatchObject({ nodeUrl: rpc(), chainId: '0x534e5f5345504f4c4941', backEnd: { kind: 'local', senders: [{ address: '0x66', privateKey: '0x88' }], forwarder: '0x7' } });
  expect([local, publicDoor]).toEqual([true, door]);
  expect(door).toMatchObject({ network: 'devnet', token: '0x2', store: '0xabc', forwarder: '0x7', stakeToken: '0x9', rpc: rpc() });
});

it('on a network the keys are given by the environment, nobody pays unless told to, and clients are told of no node but a public one', async () => {
  const told = { CIRO_SETTLER_KEY: '0x99' };
  const alone = await settings(chain('0x56', 'sepolia'), told);
  expect(alone.settlement).toEqual({ rpc: rpc(), chainId: '0x534e5f5345504f4c4941', store: '0xabc', pool: '0x4', settler: { address: '0x56', privateKey: '0x99' } });
  expect([alone.relayer, alone.publicDoor.rpc, alone.publicDoor.store, alone.local]).toEqual([undefined, undefined, alone.door.store, false]);
  const paid = await settings(chain('0x56', 'sepolia'), { ...told, CIRO_RELAYER_KEYS: '0x0A:0xb, 0xc:0xd', CIRO_SPONSOR_STRK_PER_DAY: '7.5', CIRO_PUBLIC_RPC: 'https://node.example.org/rpc' });
  expect(paid.relayer).toMatchObject({ policy: { strkPerDay: '7.5' }, backEnd: { senders: [{ address: '0xa', privateKey: '0xb' }, { address: '0xc', privateKey: '0xd' }] } });
  expect(paid.publicDoor.rpc).toBe('https://node.example.org/rpc');
  const other = await settings(chain('0x56', 'sepolia'), { ...told, CIRO_PAYMASTER_URL: 'https://paymaster.example.org', CIRO_PAYMASTER_KEY: 'k', CIRO_PAYMASTER_FORWARDER: '0x0f' });
  expect(other.relayer?.backEnd).toEqual({ kind: 'upstream', url: 'https://paymaster.example.org', apiKey: 'k', forwarder: '0xf' });
});

it('a missing or wrong settler key names the setting, never what it holds', async () => {
  await expect(settings(chain('0x56', 'sepolia'))).rejects.toMatchObject({ code: 'no-key', message: expect.stringContaining('CIRO_SETTLER_KEY') });
  await expect(settings(chain('0x56'))).rejects.toMatchObject({ code: 'no-key', message: expect.stringContaining('CIRO_SETTLER_KEY') });
  await expect(settings(chain('0x56'), { CIRO_SETTLER_KEY: 'secret' })).rejects.toMatchObject({ code: 'no-key', message: expect.not.stringContaining('secret') });
});

it.each([
  ['CIRO_RELAYER_KEYS', { CIRO_RELAYER_KEYS: '0x1:secret' }],
  ['CIRO_SPONSOR_STRK_PER_DAY', { CIRO_SPONSOR_STRK_PER_DAY: 'secret' }],
  ['CIRO_SPONSOR_STRK_PER_DAY', { CIRO_SPONSOR_STRK_PER_DAY: '0.1' }],
  ['CIRO_PAYMASTER_KEY', { CIRO_PAYMASTER_URL: 'https://secret.example.org' }],
  ['CIRO_RELAYER_KEYS', { CIRO_RELAYER_KEYS: '0x1:0x2', CIRO_PAYMASTER_URL: 'https://secret.example.org' }],
])('a relayer setting that cannot be used is named: %s', async (name, env) => {
  await expect(settings(chain('0x55'), env)).rejects.toMatchObject({ code: 'bad-relayer', message: expect.stringContaining(name) });
  await expect(settings(chain('0x55'), env)).rejects.toMatchObject({ message: expect.not.stringContaining('secret') });
});

it.each(['{', '[]', '{"rpc":"x"}'])('a file that is %s is refused by its path', async (text) => {
  await expect(readChainFile(await fileOf(text))).rejects.toMatchObject({ code: 'bad-file', message: expect.stringContaining('chain.json') });
});
