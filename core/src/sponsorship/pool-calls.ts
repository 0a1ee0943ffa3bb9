import { domainHash } from '../canonical-json.ts';
import { evidenceFelt } from '../dispute/case-file.ts';

/** A call of a contract as starknet.js and SNIP-29 clients take it. Everything in 0x hex. */
export interface ContractCall {
  readonly contractAddress: string;
  readonly entrypoint: string;
  readonly calldata: string[];
}

const LOW_HALF = (1n << 128n) - 1n;
const hex = (value: bigint): string => `0x${value.toString(16)}`;
const u256 = (value: bigint): readonly [string, string] => [hex(value & LOW_HALF), hex(value >> 128n)];

/** Lets `spender` take `amount` of a token: the first of two calls of one transaction. */
export const approveCall = (token: string, spender: string, amount: bigint): ContractCall => ({ contractAddress: token, entrypoint: 'approve', calldata: [spender, ...u256(amount)] });

/** Sends tokens of who signs. */
export const transferCall = (token: string, to: string, amount: bigint): ContractCall => ({ contractAddress: token, entrypoint: 'transfer', calldata: [to, ...u256(amount)] });

/** What a worker says it is, as the pool keeps it: a hash of anything canonical, under `ciro/capability/1`, with its top five bits cleared. */
export const capabilityHash = (capability: unknown): string => evidenceFelt(domainHash('ciro/capability/1', capability));

/**
 * What a worker does in the CdcPool (contracts/SPEC.md W2 to W6): calls of one transaction each, to be sent by the worker's own account,
 * or signed by it and sponsored. All of them are on the Paymaster's list. `pool`: the contract's address; amounts in base units of the stake token.
 */
export const poolCalls = (pool: string) => {
  const call = (entrypoint: string, ...calldata: string[]): ContractCall[] => [{ contractAddress: pool, entrypoint, calldata }];
  return {
    register: (capability: string, payout: string) => call('register', capability, payout),
    setCapability: (capability: string) => call('set_capability', capability),
    setPayout: (payout: string) => call('set_payout', payout),
    deregister: () => call('deregister'),
    stake: (stakeToken: string, amount: bigint) => [approveCall(stakeToken, pool, amount), ...call('stake', hex(amount))],
    unstakeIntent: (amount: bigint) => call('unstake_intent', hex(amount)),
    cancelUnstake: () => call('cancel_unstake'),
    unstakeAction: (worker: string) => call('unstake_action', worker),
  };
};
