import { ACCOUNT_CLASS_HASH } from '@ciro/core/settlement/payout-address.ts';
import { ec } from 'starknet';
import { VirtualClock } from '../sessions/virtual-clock.fixture.ts';
import { AccountChecks } from './account-checks.ts';
import { answerRpc } from './json-rpc.ts';
import { LocalBackEnd } from './local-back-end.ts';
import { MemoryChain, signatureOf } from './memory-chain.fixture.ts';
import { Metrics } from './metrics.ts';
import { Newcomers } from './newcomers.ts';
import { PaymasterService } from './paymaster-service.ts';
import { parsePolicy } from './policy.ts';
import { Quotas } from './quotas.ts';
import { Senders } from './senders.ts';
import { addressOf, selectorOf, typedDataHash } from './starknet-hashes.ts';
import { Tickets } from './tickets.ts';
import { toFelt } from './felt.ts';
import type { TypedData } from 'starknet';
import type { BackEnd } from './back-end.ts';
import type { ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Caller } from './paymaster-service.ts';
import type { PolicyData } from './policy.ts';

export const FORWARDER: Felt = '0xf0';
export const STORE: Felt = '0x57';
export const PARAMETERS = { version: '0x1', fee_mode: { mode: 'sponsored' } };
export const CLAIM: ChainCall = { to: STORE, selector: selectorOf('claim'), calldata: ['0x1', '0x2'] };
export const POLICY: PolicyData = {
  version: 1,
  calls: [{ to: STORE, entrypoints: ['claim'] }],
  accountClasses: [{ classHash: ACCOUNT_CLASS_HASH, constructor: 'public-key' }],
  strkPerDay: '1',
  maxStrkPerAction: '0.5',
  newAccounts: { tickets: true, workBits: 8 },
};

export interface Reply {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}
export interface Built {
  readonly type: string;
  readonly typed_data: TypedData;
  readonly deployment?: unknown;
}

/** A key whose account is not deployed; its address follows from it. */
export function newcomer(privateKey: string) {
  const key = toFelt(BigInt(ec.starkCurve.getStarkKey(privateKey)));
  const address = addressOf(ACCOUNT_CLASS_HASH, key, [key]);
  const deployment = { address, class_hash: ACCOUNT_CLASS_HASH, salt: key, calldata: [key], version: 1 };
  const sign = (typedData: TypedData): Felt[] => {
    const { r, s } = ec.starkCurve.sign(typedDataHash(typedData, address), privateKey);
    return [toFelt(r), toFelt(s)];
  };
  return { address, deployment, sign };
}

/** The whole service over a chain in memory. */
export function startService(policy: Partial<PolicyData> = {}, backEndOf?: (parts: { chain: MemoryChain; clock: VirtualClock; metrics: Metrics }) => BackEnd) {
  const chain = new MemoryChain();
  const clock = new VirtualClock(1_000_000);
  const now = () => clock.now();
  const parsed = parsePolicy({ ...POLICY, ...policy });
  const metrics = new Metrics();
  const quotas = new Quotas(parsed, { now });
  const tickets = new Tickets(new Uint8Array(32).fill(7), chain.chainId, { now });
  const senders = new Senders(['0xa1'], { chain, policy: parsed, now, onAlarm: () => {} });
  const backEnd = backEndOf?.({ chain, clock, metrics }) ?? new LocalBackEnd({ chain, forwarder: FORWARDER, senders, policy: parsed, clock, metrics, onCharge: (fri) => quotas.charge(fri) });
  const newcomers = new Newcomers(parsed.newAccounts, { tickets, chainId: chain.chainId, now });
  const service = new PaymasterService({ chainId: chain.chainId, policy: parsed, quotas, newcomers, accounts: new AccountChecks(chain, parsed, { now }), backEnd, metrics, now });
  const bugs: unknown[] = [];
  const ask = (method: string, params: unknown, caller: Partial<Caller> = {}): Promise<Reply> =>
    answerRpc(service, { jsonrpc: '2.0', id: 1, method: `paymaster_${method}`, params }, { client: '1.2.3.4', ...caller }, (error) => bugs.push(error));
  const build = async (account: Felt, calls: unknown[] = [CLAIM], caller: Partial<Caller> = {}) => ask('buildTransaction', { transaction: { type: 'invoke', invoke: { user_address: account, calls } }, parameters: PARAMETERS }, caller);
  /** Builds for a deployed account and gives what it would send. */
  const signed = async (account: Felt, caller: Partial<Caller> = {}) => {
    const { typed_data } = (await build(account, [CLAIM], caller)).result as Built;
    return { user_address: account, typed_data, signature: signatureOf(account, typedDataHash(typed_data, account)) };
  };
  const execute = (invoke: unknown, caller: Partial<Caller> = {}) => ask('executeTransaction', { transaction: { type: 'invoke', invoke }, parameters: PARAMETERS }, caller);
  const deployed = (account: Felt): Felt => {
    chain.classes.set(account, ACCOUNT_CLASS_HASH);
    return account;
  };
  return { chain, clock, quotas, metrics, tickets, newcomers, backEnd, bugs, ask, build, signed, execute, deployed };
}

/** What an error says, in one line: SNIP number and our code. */
export const said = ({ error }: Reply): string => {
  if (error === undefined) return 'ok';
  const { code, data } = error;
  if (typeof data === 'string') return `${code} ${data.split(':')[0]}`;
  return `${code} ${(data as { execution_error?: string } | undefined)?.execution_error ?? ''}`;
};
