import type { ContractCall } from '@ciro/core/sponsorship/pool-calls.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { EpochProof } from './epoch-proof.ts';

/** What the coordinator publishes of settlement. Every call rejects with ClaimError. */
export interface CoordinatorChain {
  /** Undefined where credits stay in the ledger. */
  door(): Promise<PublicDoor | undefined>;
  /** Number of the newest epoch that the coordinator says is claimable. */
  newestClaimable(): Promise<number | undefined>;
  /** Root of an epoch as the coordinator published it. */
  publishedRoot(epoch: number): Promise<bigint | undefined>;
  /** Undefined where the account has nothing in that epoch. */
  proof(epoch: number, account: string): Promise<EpochProof | undefined>;
}

/** An epoch as the settlement contract has it. */
export interface ContractEpoch {
  readonly root: bigint;
  readonly depth: number;
  readonly claimable: boolean;
}

/** A transaction in a block. */
export interface SponsoredReceipt {
  readonly succeeded: boolean;
  /** Of what reverted; empty otherwise. */
  readonly reason: string;
  /** Account that sent it, and so paid for it. */
  readonly sponsor: string;
  /** What it cost, in fri. */
  readonly feeFri: bigint;
}

/** The chain as one account acts on it. Every call rejects with ClaimError. */
export interface AccountOnChain {
  epoch(number: number): Promise<ContractEpoch>;
  /** Base units that the contract has paid this account in all. */
  paid(): Promise<bigint>;
  /** Base units of the token that lie at this account. */
  tokens(): Promise<bigint>;
  isDeployed(): Promise<boolean>;
  readonly pool: AccountInPool;
  /** Hands in the claim and nothing else, sponsored; with the account's deployment where a ticket is given. Gives the transaction's hash. */
  claim(proof: EpochProof, ticket: string | undefined): Promise<string>;
  /** Waits until the transaction is in a block. */
  receipt(transaction: string, signal: AbortSignal): Promise<SponsoredReceipt>;
}

/** An account's place in the pool, as the contract has it. Amounts in base units of the stake token, times in Unix seconds. */
export interface PoolPlace {
  readonly tier: 'unknown' | 'newcomer' | 'staked';
  readonly active: boolean;
  readonly stake: bigint;
  /** On its way out, all of it until `readyAt`. */
  readonly cooling: bigint;
  readonly readyAt: number;
  readonly bond: bigint;
  /** From this stake on a worker counts as staked. */
  readonly minStake: bigint;
  /** Seconds that a stake cools if leaving begins now. */
  readonly coolDown: number;
  /** Stake token at the account. */
  readonly funds: bigint;
}

/** The pool as one account acts in it. Every call rejects with ClaimError. */
export interface AccountInPool {
  place(): Promise<PoolPlace>;
  /** Hands in calls of pool and stake token, sponsored; with the account's deployment where a ticket is given. Gives the transaction's hash. */
  act(calls: readonly ContractCall[], ticket: string | undefined): Promise<string>;
}

export interface ClaimPorts {
  readonly coordinator: CoordinatorChain;
  readonly account: string;
  /** Loads what talks to the chain: only for an account that has something there. */
  open(door: PublicDoor): Promise<AccountOnChain>;
  /** A ticket of the coordinator for this account (SPEC Y7). */
  ticket(): Promise<string>;
  /** Address that a person knows the paymaster by. */
  readonly paymaster: string;
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Monotonic milliseconds. */
  now(): number;
  /** Epoch milliseconds. */
  date(): number;
  changed(earnings: Earnings): void;
  /** Keeps a payout over visits; a browser that keeps nothing shows those of this one. */
  keep(payout: Payout): void;
}

/** Port: what was paid on earlier visits. Both calls reject when the browser refuses storage. */
export interface PayoutStore {
  keepPayout(account: string, payout: Payout): Promise<void>;
  /** Newest first. */
  payouts(account: string, count: number): Promise<readonly Payout[]>;
}

/** A claim that reached a block. */
export interface Payout {
  readonly epoch: number;
  readonly transaction: string;
  /** Base units that it brought. */
  readonly amount: bigint;
  readonly paymaster: string;
  readonly sponsor: string;
  /** What this account paid for it, in fri: 0, or the paymaster was none. */
  readonly gasPaidFri: bigint;
  /** What the sponsor paid, in fri. */
  readonly sponsorPaidFri: bigint;
  /** From the click, or the notice, to the receipt. */
  readonly milliseconds: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

export type ClaimStep = 'proof' | 'contract' | 'ticket' | 'sponsor' | 'block';

/** What stands on the chain for this account, for a face. Amounts in base units of the token. */
export interface Earnings {
  /** `unknown`: not asked yet, or the coordinator does not answer. `none`: it has no chain. */
  readonly chain: 'unknown' | 'none' | 'there';
  readonly network: string | undefined;
  readonly account: string;
  /** What the newest claimable epoch owes beyond what was paid; undefined while that is not known. */
  readonly owed: bigint | undefined;
  /** At the account; undefined while that is not known. */
  readonly onChain: bigint | undefined;
  readonly step: ClaimStep | undefined;
  readonly failure: { readonly code: string; readonly message: string; readonly again: boolean } | undefined;
  /** Newest first, of earlier visits, too. */
  readonly payouts: readonly Payout[];
}
