import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readChainSettings } from './chain-settings.ts';
import type { AddressInfo } from 'node:net';

let folder: string;
const server = createServer((request, response) => {
  request.resume().on('end', () => response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: [{ address: '0x055', private_key: '0x77', public_key: '0x1' }] })));
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
const chain = (settler: string) => ({ network: 'devnet', rpc: rpc(), chainId: 'SN_SEPOLIA', addresses: { CommitmentStore: '0xabc', CiroToken: '0x1' }, roles: { settler } });

it('without a file there is no chain', async () => {
  expect(await readChainSettings(join(folder, 'none.json'), {})).toBeUndefined();
});

it('a devnet gives the key of its own account, and pays are booked at once', async () => {
  expect(await readChainSettings(await fileOf(chain('0x55')), {})).toEqual({ rpc: rpc(), chainId: '0x534e5f5345504f4c4941', store: '0xabc', settler: { address: '0x55', privateKey: '0x77' }, confirmations: 0 });
});

it('on any other node the key is given by the environment', async () => {
  expect(await readChainSettings(await fileOf(chain('0x56')), { CIRO_SETTLER_KEY: '0x99' })).toEqual({ rpc: rpc(), chainId: '0x534e5f5345504f4c4941', store: '0xabc', settler: { address: '0x56', privateKey: '0x99' } });
  await expect(readChainSettings(await fileOf(chain('0x56')), {})).rejects.toMatchObject({ code: 'no-key', message: expect.stringContaining('CIRO_SETTLER_KEY') });
  await expect(readChainSettings(await fileOf(chain('0x56')), { CIRO_SETTLER_KEY: 'secret' })).rejects.toMatchObject({ code: 'no-key', message: expect.not.stringContaining('secret') });
});

it.each(['{', '[]', '{"rpc":"x"}'])('a file that is %s is refused by its path', async (text) => {
  await expect(readChainSettings(await fileOf(text), {})).rejects.toMatchObject({ code: 'bad-file', message: expect.stringContaining('chain.json') });
});
