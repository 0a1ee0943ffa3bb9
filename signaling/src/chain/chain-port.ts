import type { Felt } from './felt.ts';

/** A call of a contract; as the SNIP has it. */
export interface ChainCall {
  readonly to: Felt;
  readonly selector: Felt;
  readonly calldata: readonly Felt[];
}

export interface Resource {
  /** Gas units. */
  readonly amount: bigint;
  /** Fri (10^-18 STRK) a unit. */
  readonly price: bigint;
}
/** What a transaction used, or may use. */
export interface Bounds {
  readonly l1Gas: Resource;
  readonly l1DataGas: Resource;
  readonly l2Gas: Resource;
}

export interface Estimate {
  /** Fri. */
  readonly fee: bigint;
  readonly used: Bounds;
}

/** Signed and not handed in yet; handing it in twice has the effect of once. */
export interface SignedTransaction {
  readonly hash: Felt;
  readonly sender: Felt;
  readonly nonce: bigint;
  readonly body: unknown;
}

export type TransactionState =
  /** The node has never heard of it, or has forgotten it. */
  | { readonly status: 'unknown' }
  /** Accepted for a block. */
  | { readonly status: 'waiting' }
  | { readonly status: 'succeeded'; readonly fee: bigint; readonly l2Gas: bigint }
  | { readonly status: 'reverted'; readonly fee: bigint; readonly l2Gas: bigint; readonly reason: string };

/**
 * Port: the chain as the relayer needs it; `StarknetChain` is the one over a node. All calls throw `node-unavailable` when the node is
 * silent and `bad-node-answer` when it answers nonsense.
 */
export interface Chain {
  readonly chainId: Felt;
  /** Time of the newest block, in seconds. */
  timestamp(): Promise<number>;
  /** Undefined: nothing is deployed there. */
  classHashAt(address: Felt): Promise<Felt | undefined>;
  /** What the account itself says; false also when its check reverts. */
  isValidSignature(account: Felt, hash: Felt, signature: readonly Felt[]): Promise<boolean>;
  nonceOf(address: Felt): Promise<bigint>;
  /** STRK at an address, in fri. */
  balanceOf(address: Felt): Promise<bigint>;
  /** Runs the calls without signing them; throws `execution-error` when they would revert. */
  simulate(sender: Felt, calls: readonly ChainCall[]): Promise<Estimate>;
  /** Signs with the sender's key; asks no node. */
  sign(sender: Felt, calls: readonly ChainCall[], nonce: bigint, bounds: Bounds): Promise<SignedTransaction>;
  /** Hands it in; a repeat is no error. Throws `nonce-refused` or `submit-refused`: then it is certain that it was not taken. */
  submit(transaction: SignedTransaction): Promise<void>;
  state(hash: Felt): Promise<TransactionState>;
}

export const feeOf = ({ l1Gas, l1DataGas, l2Gas }: Bounds): bigint => l1Gas.amount * l1Gas.price + l1DataGas.amount * l1DataGas.price + l2Gas.amount * l2Gas.price;
