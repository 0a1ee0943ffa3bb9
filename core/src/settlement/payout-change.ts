import { keccak, poseidonHashMany, sign } from '@scure/starknet';
import * as v from 'valibot';
import { toHex, utf8 } from '../bytes.ts';
import { domainHash } from '../canonical-json.ts';
import { signedFelt, verifyFelt } from '../identity/identity.ts';

const Felt = v.pipe(v.string(), v.regex(/^0x[1-9a-f][0-9a-f]{0,62}$/, 'expected a field element above zero in hex without leading zeros'));
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** That a worker is to be paid at another account (SPEC Y9). Signed by its identity, and by the account that is to be paid. */
export const PayoutChange = v.strictObject({
  chainId: Felt,
  /** Settlement contract. */
  store: Felt,
  /** Identity public key of the worker. */
  worker: Felt,
  /** Where its further earnings go. */
  account: Felt,
  /** The changes of a worker are numbered from 1 on: none counts twice, or late. */
  nonce: Count,
  /** Unix seconds: not taken later. */
  validUntil: Count,
});
export type PayoutChange = v.InferOutput<typeof PayoutChange>;

/** The longest that a change may wait to be handed in. Seconds. */
export const MAX_CHANGE_VALID_S = 3600;

const DOMAIN = { name: 'Ciro payouts', version: '1', revision: '1' } as const;
const DOMAIN_FIELDS = [
  { name: 'name', type: 'shortstring' },
  { name: 'version', type: 'shortstring' },
  { name: 'chainId', type: 'shortstring' },
  { name: 'revision', type: 'shortstring' },
] as const;
const PAYOUT_FIELDS = [
  { name: 'Settlement contract', type: 'ContractAddress' },
  { name: 'Worker key', type: 'felt' },
  { name: 'Pay to', type: 'ContractAddress' },
  { name: 'Change', type: 'u128' },
  { name: 'Valid until', type: 'timestamp' },
] as const;

/** What a wallet is given to sign: SNIP-12, revision 1. Plain JSON. */
export const payoutTypedData = ({ chainId, store, worker, account, nonce, validUntil }: PayoutChange) => ({
  types: { StarknetDomain: [...DOMAIN_FIELDS], Payout: [...PAYOUT_FIELDS] },
  primaryType: 'Payout' as const,
  domain: { ...DOMAIN, chainId },
  message: { 'Settlement contract': store, 'Worker key': worker, 'Pay to': account, Change: String(nonce), 'Valid until': String(validUntil) },
});

const shortText = (text: string): bigint => [...utf8(text)].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
const typeHash = (name: string, fields: readonly { readonly name: string; readonly type: string }[]): bigint => keccak(utf8(`"${name}"(${fields.map((field) => `"${field.name}":"${field.type}"`).join(',')})`));

/** Hash of that typed data for the account that signs it, as wallets and `is_valid_signature` take it. */
export function payoutMessageHash({ chainId, store, worker, account, nonce, validUntil }: PayoutChange, signer: string): bigint {
  const domain = poseidonHashMany([typeHash('StarknetDomain', DOMAIN_FIELDS), shortText(DOMAIN.name), BigInt(DOMAIN.version), BigInt(chainId), BigInt(DOMAIN.revision)]);
  const message = poseidonHashMany([typeHash('Payout', PAYOUT_FIELDS), BigInt(store), BigInt(worker), BigInt(account), BigInt(nonce), BigInt(validUntil)]);
  return poseidonHashMany([shortText('StarkNet Message'), domain, BigInt(signer), message]);
}

/** The identity's word on a change (SPEC K5); 128 hex digits. */
export const signPayoutChange = (change: PayoutChange, privateKey: string): string => toHex(sign(signedFelt(domainHash('ciro/payout-change/1', change)), privateKey).toBytes('compact'));

/** True when the worker that the change names signed it; false on malformed input, never a throw. */
export const verifyPayoutChange = (change: PayoutChange, signature: string): boolean => verifyFelt(domainHash('ciro/payout-change/1', change), signature, change.worker);
