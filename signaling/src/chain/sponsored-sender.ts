import { Signer } from 'starknet';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import { toFelt, FeltSchema, SecondsSchema } from './felt.ts';
import { outsideTypedData, selectorOf, typedDataHash } from './starknet-hashes.ts';
import type { TypedData } from 'starknet';
import type { ChainCall } from './chain-port.ts';
import type { AccountKeys } from './devnet-accounts.ts';
import type { ContractCall } from './job-manager.ts';

/** `refused`: the paymaster says no. `lied`: it wants another thing signed than was asked for. `silent`: no answer. */
export class SponsorError extends CiroError<'refused' | 'lied' | 'silent'> {}

const ANSWER_TIMEOUT_MS = 60_000;
/** What is signed can be sent for an hour at most (SPEC Y4). Seconds. */
const MAX_VALIDITY_S = 3_600;
const FEES = { version: '0x1', fee_mode: { mode: 'sponsored' } };

const Failure = v.object({ error: v.object({ code: v.number(), message: v.string(), data: v.optional(v.unknown()) }) });
const Built = v.object({ result: v.object({ type: v.literal('invoke'), typed_data: v.looseObject({ message: v.looseObject({ Nonce: FeltSchema, 'Execute After': SecondsSchema, 'Execute Before': SecondsSchema }) }) }) });
const Executed = v.object({ result: v.object({ transaction_hash: FeltSchema }) });

export interface SponsorOptions {
  /** Of the paymaster: a coordinator's `/paymaster`. */
  readonly url: string;
  /** The Paymaster contract, as the client knows it. */
  readonly forwarder: string;
  /** 0x hex. */
  readonly chainId: string;
  readonly account: AccountKeys;
  /** Unix seconds of the chain. */
  readonly now: () => Promise<number>;
}

/** Has a paymaster send an account's calls and pay for them (SNIP-29): only what was asked for is signed (SPEC Y4). The account has to be deployed. Gives the transaction's hash. */
export async function sendSponsored({ url, forwarder, chainId, account, now }: SponsorOptions, calls: readonly ContractCall[]): Promise<string> {
  const address = toFelt(BigInt(account.address));
  const asked = calls.map(({ contractAddress, entrypoint, calldata }): ChainCall => ({ to: toFelt(BigInt(contractAddress)), selector: toFelt(BigInt(selectorOf(entrypoint))), calldata: calldata.map((felt) => toFelt(BigInt(felt))) }));
  const { result: built } = v.parse(Built, await rpc(url, 'paymaster_buildTransaction', { transaction: { type: 'invoke', invoke: { user_address: address, calls: asked } }, parameters: FEES }));
  const { Nonce: nonce, 'Execute After': after, 'Execute Before': before } = built.typed_data.message;
  if (before > (await now()) + MAX_VALIDITY_S) throw lied(`it can be sent until ${before}, which is more than an hour ahead`);
  // Made here from our own calls, caller and chain: whatever else the paymaster put in gives another hash.
  const own = outsideTypedData(toFelt(BigInt(chainId)), { caller: toFelt(BigInt(forwarder)), nonce, after, before, calls: asked });
  if (hashOrNone(built.typed_data as unknown as TypedData, address) !== typedDataHash(own, address)) throw lied('its typed data are not these calls, for this chain and the forwarder that is known');
  const signature = await new Signer(account.privateKey).signMessage(own, account.address);
  const felts = (Array.isArray(signature) ? signature : [signature.r, signature.s]).map((part) => toFelt(BigInt(part)));
  const sent = await rpc(url, 'paymaster_executeTransaction', { transaction: { type: 'invoke', invoke: { user_address: address, typed_data: built.typed_data, signature: felts } }, parameters: FEES });
  return v.parse(Executed, sent).result.transaction_hash;
}

async function rpc(url: string, method: string, params: unknown): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const answer: unknown = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
    (response) => response.json(),
    (cause: unknown) => {
      throw new SponsorError('silent', `the paymaster at ${url} did not answer; name another one, or pay the fee yourself`, { fault: 'platform', cause });
    },
  );
  if (!v.is(Failure, answer)) return answer;
  const { code, message, data } = answer.error;
  throw new SponsorError('refused', `the paymaster at ${url} refused (${code} ${message}): ${JSON.stringify(data ?? '').slice(0, 300)}`, { fault: 'user', fields: { code } });
}

function hashOrNone(data: TypedData, account: ReturnType<typeof toFelt>): string | undefined {
  try {
    return typedDataHash(data, account);
  } catch {
    return undefined; // no typed data at all
  }
}

const lied = (what: string): SponsorError => new SponsorError('lied', `the paymaster cannot be trusted: ${what}. Nothing was signed; use another paymaster`, { fault: 'peer' });
