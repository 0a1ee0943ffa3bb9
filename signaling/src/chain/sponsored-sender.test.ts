import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { sendSponsored } from './sponsored-sender.ts';
import { outsideTypedData, verifiesStark, typedDataHash, selectorOf } from './starknet-hashes.ts';
import { ec } from 'starknet';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { TypedData } from 'starknet';
import type { ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';

const ACCOUNT = { address: '0xacc', privateKey: '0x1234567' };
const CHAIN: Felt = '0x534e';
const FORWARDER: Felt = '0xf0';
const NOW = 1_000_000;
const CALLS = [{ contractAddress: '0x70', entrypoint: 'approve', calldata: ['0x10b', '0x5', '0x0'] }, { contractAddress: '0x10b', entrypoint: 'cancel_job', calldata: ['0x7a5'] }];

interface Sent {
  readonly method: string;
  readonly params: { readonly transaction: { readonly invoke: { readonly calls: readonly ChainCall[]; readonly typed_data: TypedData; readonly signature: readonly Felt[] } } };
}

let server: Server | undefined;
afterEach(() => server?.close());

/** A paymaster that builds what it is asked for, with what `lie` makes of it. */
async function paymaster(lie: Partial<{ caller: Felt; chain: Felt; before: number; calls: (calls: readonly ChainCall[]) => readonly ChainCall[]; type: string; refuse: boolean }> = {}) {
  const sent: Sent[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece) => (text += String(piece))).on('end', () => {
      const asked = JSON.parse(text) as Sent;
      sent.push(asked);
      const { calls } = asked.params.transaction.invoke;
      const built = () => outsideTypedData(lie.chain ?? CHAIN, { caller: lie.caller ?? FORWARDER, nonce: '0x9', after: 1, before: lie.before ?? NOW + 600, calls: lie.calls?.(calls) ?? calls });
      const result = asked.method === 'paymaster_buildTransaction' ? { type: lie.type ?? 'invoke', typed_data: built() } : { transaction_hash: '0xabc', tracking_id: '0x0' };
      response.end(JSON.stringify(lie.refuse === true ? { jsonrpc: '2.0', id: 1, error: { code: 163, message: 'no', data: 'policy' } } : { jsonrpc: '2.0', id: 1, result }));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/paymaster`;
  return { sent, send: () => sendSponsored({ url, forwarder: FORWARDER, chainId: CHAIN, account: ACCOUNT, now: async () => NOW }, CALLS) };
}

it('Y4: signs its own calls, once they came back as they were asked', async () => {
  const { sent, send } = await paymaster();
  expect(await send()).toBe('0xabc');
  const [build, execute] = sent;
  expect(build?.params.transaction.invoke.calls.map(({ to, calldata }) => [to, calldata])).toEqual([['0x70', ['0x10b', '0x5', '0x0']], ['0x10b', ['0x7a5']]]);
  const { typed_data: data, signature } = execute?.params.transaction.invoke ?? { typed_data: {} as TypedData, signature: [] };
  expect(verifiesStark(ec.starkCurve.getStarkKey(ACCOUNT.privateKey) as Felt, typedDataHash(data, '0xacc'), signature)).toBe(true);
});

it.each([
  ['another call', { calls: (calls: readonly ChainCall[]) => [...calls, { to: '0x70' as const, selector: selectorOf('transfer'), calldata: [] }] }],
  ['one call less', { calls: (calls: readonly ChainCall[]) => calls.slice(1) }],
  ['a larger amount', { calls: (calls: readonly ChainCall[]) => calls.map((call, index) => (index === 0 ? { ...call, calldata: ['0x10b', '0x6', '0x0'] as const } : call)) }],
  ['another caller', { caller: '0xf1' as const }],
  ['another chain', { chain: '0x534f' as const }],
  ['two hours', { before: NOW + 7_200 }],
])('Y4: a paymaster that builds %s gets no signature', async (_what, lie) => {
  const { sent, send } = await paymaster(lie);
  await expect(send()).rejects.toMatchObject({ name: 'SponsorError', code: 'lied' });
  expect(sent.map(({ method }) => method)).toEqual(['paymaster_buildTransaction']);
});

it('says what a paymaster refused, and that one does not answer', async () => {
  await expect((await paymaster({ refuse: true })).send()).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('policy') });
  const gone = await paymaster();
  await new Promise((resolve) => server?.close(resolve));
  await expect(gone.send()).rejects.toMatchObject({ code: 'silent' });
});
