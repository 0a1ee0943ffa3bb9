import { UNIVERSAL_DEPLOYER } from '@ciro/core/settlement/payout-address.ts';
import { ec, hash, outsideExecution, typedData } from 'starknet';
import { toFelt } from './felt.ts';
import type { TypedData } from 'starknet';
import type { ChainCall } from './chain-port.ts';
import type { Felt } from './felt.ts';

/** The part of Starknet that is arithmetic: no node is asked in this file. */
export const selectorOf = (entrypoint: string): Felt => hash.getSelectorFromName(entrypoint) as Felt;

export const EXECUTE_FROM_OUTSIDE_V2 = selectorOf('execute_from_outside_v2');
/** Of the Paymaster contract. */
export const EXECUTE_SPONSORED_V2 = selectorOf('execute_sponsored_v2');
export const DEPLOY_AND_EXECUTE_SPONSORED = selectorOf('deploy_and_execute_sponsored');
/** 'VALID', what SNIP-6 accounts answer. */
export const SIGNATURE_VALID: Felt = '0x56414c4944';
export const DEPLOY_CONTRACT = selectorOf('deployContract');

/** Where a class with this salt and calldata comes to lie when the universal deployer or nobody deploys it. */
export const addressOf = (classHash: Felt, salt: Felt, calldata: readonly Felt[]): Felt =>
  toFelt(BigInt(hash.calculateContractAddressFromHash(salt, classHash, [...calldata], 0)));

export interface OutsideExecution {
  /** Who may hand it in: the forwarder. */
  readonly caller: Felt;
  readonly nonce: Felt;
  /** Seconds; both are exclusive. */
  readonly after: number;
  readonly before: number;
  readonly calls: readonly ChainCall[];
}

/** SNIP-9 version 2 as typed data, with felts in the one text that starknet.js compares (minimal lower-case hex). */
export function outsideTypedData(chainId: Felt, { caller, nonce, after, before, calls }: OutsideExecution): TypedData {
  const data = outsideExecution.getTypedData(chainId, { caller, execute_after: toFelt(after), execute_before: toFelt(before) }, nonce, [], '2');
  return { ...data, message: { ...data.message, Calls: calls.map(({ to, selector, calldata }) => ({ To: to, Selector: selector, Calldata: [...calldata] })) } };
}

/** SNIP-12 hash of typed data for an account; throws on what is no typed data. */
export const typedDataHash = (data: TypedData, account: Felt): Felt => toFelt(BigInt(typedData.getMessageHash(data, account)));

/** Arguments of `execute_from_outside_v2`. */
export function outsideCalldata({ caller, nonce, after, before, calls }: OutsideExecution, signature: readonly Felt[]): Felt[] {
  const flat = calls.flatMap(({ to, selector, calldata }) => [to, selector, toFelt(calldata.length), ...calldata]);
  return [caller, nonce, toFelt(after), toFelt(before), toFelt(calls.length), ...flat, toFelt(signature.length), ...signature];
}

/** The call that deploys an account. */
export const deployCall = (classHash: Felt, salt: Felt, calldata: readonly Felt[]): ChainCall => ({
  to: UNIVERSAL_DEPLOYER,
  selector: DEPLOY_CONTRACT,
  calldata: [classHash, salt, '0x0', toFelt(calldata.length), ...calldata],
});

/** True when (r, s) is the Stark key's over `message`. A key is an x coordinate, so either parity counts, as on chain. False on nonsense. About 10 ms, and twice that or more for a signature that is wrong. */
export function verifiesStark(publicKey: Felt, message: Felt, signature: readonly Felt[]): boolean {
  const [r, s] = signature;
  if (signature.length !== 2 || r === undefined || s === undefined) return false;
  const x = publicKey.slice(2).padStart(64, '0');
  return ['02', '03'].some((parity) => {
    try {
      return ec.starkCurve.verify(new ec.starkCurve.Signature(BigInt(r), BigInt(s)), message.slice(2).padStart(64, '0'), `${parity}${x}`);
    } catch {
      return false;
    }
  });
}
