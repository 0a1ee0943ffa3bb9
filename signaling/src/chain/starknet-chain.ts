import { EDAMode, ec, hash } from 'starknet';
import * as v from 'valibot';
import { FeltSchema, toFelt } from './felt.ts';
import { SIMULATION_TRIES } from './chain-limits.ts';
import { NodeRefusal, NodeRpc } from './node-rpc.ts';
import { RelayerError, refuse } from './relayer-error.ts';
import { revertReason } from './revert-reason.ts';
import { SIGNATURE_VALID, selectorOf } from './starknet-hashes.ts';
import type { Bounds, Chain, ChainCall, Estimate, SignedTransaction, TransactionState } from './chain-port.ts';
import type { Felt } from './felt.ts';
import type { Fetch } from './node-rpc.ts';

/** Error numbers of the RPC specification. */
const CONTRACT_NOT_FOUND = 20;
const TXN_HASH_NOT_FOUND = 29;
const CONTRACT_ERROR = 40;
const TRANSACTION_EXECUTION_ERROR = 41;
const INVALID_TRANSACTION_NONCE = 52;
const DUPLICATE_TX = 59;
/** Error numbers of refused transactions begin here and end below 70. */
const FIRST_SUBMIT_ERROR = 50;
const LAST_SUBMIT_ERROR = 69;

/** The fee token, at the same address on mainnet, Sepolia and devnet. */
export const STRK: Felt = '0x4718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d';
/** State of what is accepted for the next block, so that two transactions in a row see each other. */
const NEWEST = 'pre_confirmed';
/** A version that counts for simulations only: 2^128 + 3. */
const QUERY_VERSION = '0x100000000000000000000000000000003';

const Amount = v.pipe(FeltSchema, v.transform((felt) => BigInt(felt)));
const Felts = v.pipe(v.array(FeltSchema), v.maxLength(100_000));
const FeeEstimate = v.object({
  l1_gas_consumed: Amount, l1_gas_price: Amount, l1_data_gas_consumed: Amount, l1_data_gas_price: Amount, l2_gas_consumed: Amount, l2_gas_price: Amount,
  overall_fee: Amount,
  unit: v.literal('FRI'),
});
const Receipt = v.object({
  execution_status: v.picklist(['SUCCEEDED', 'REVERTED']),
  revert_reason: v.optional(v.string()),
  actual_fee: v.object({ amount: Amount, unit: v.literal('FRI') }),
  execution_resources: v.object({ l2_gas: v.number() }),
});
const Block = v.object({ timestamp: v.pipe(v.number(), v.safeInteger(), v.minValue(1)) });
const Submitted = v.object({ transaction_hash: FeltSchema });
const Status = v.object({ finality_status: v.string() });

/** An account of the relayer. The key never leaves `StarknetChain`. */
export interface SenderKey {
  readonly address: Felt;
  readonly privateKey: string;
}

/** The chain over a Starknet node (RPC 0.9 or newer). Transactions are built and signed here; the node sees them finished. */
export class StarknetChain implements Chain {
  readonly chainId: Felt;
  readonly #rpc: NodeRpc;
  readonly #keys: ReadonlyMap<Felt, string>;

  private constructor(rpc: NodeRpc, chainId: Felt, keys: readonly SenderKey[]) {
    this.#rpc = rpc;
    this.chainId = chainId;
    this.#keys = new Map(keys.map(({ address, privateKey }) => [address, privateKey]));
  }

  /** Asks the node for its chain; throws `wrong-chain` when it is not `chainId`. */
  static async open({ nodeUrl, chainId, senders, fetch, timeoutMs }: { readonly nodeUrl: string; readonly chainId: Felt; readonly senders: readonly SenderKey[]; readonly fetch?: Fetch; readonly timeoutMs?: number }): Promise<StarknetChain> {
    const rpc = new NodeRpc(nodeUrl, { fetch, timeoutMs });
    const told = await rpc.call('starknet_chainId', {}, FeltSchema);
    if (told !== chainId) throw refuse('wrong-chain', `the node is of chain ${told}, and the relayer is set up for ${chainId}; give it a node of that chain`, { told, chainId });
    return new StarknetChain(rpc, chainId, senders);
  }

  async timestamp(): Promise<number> {
    return (await this.#ask('starknet_getBlockWithTxHashes', { block_id: 'latest' }, Block)).timestamp;
  }

  async classHashAt(address: Felt): Promise<Felt | undefined> {
    return this.#ask('starknet_getClassHashAt', { block_id: NEWEST, contract_address: address }, FeltSchema, { [CONTRACT_NOT_FOUND]: () => undefined });
  }

  async isValidSignature(account: Felt, message: Felt, signature: readonly Felt[]): Promise<boolean> {
    const answer = await this.#view(account, 'is_valid_signature', [message, toFelt(signature.length), ...signature], { [CONTRACT_ERROR]: () => [], [TRANSACTION_EXECUTION_ERROR]: () => [] });
    return answer.length === 1 && answer[0] === SIGNATURE_VALID;
  }

  async nonceOf(address: Felt): Promise<bigint> {
    return this.#ask('starknet_getNonce', { block_id: NEWEST, contract_address: address }, Amount);
  }

  async balanceOf(address: Felt): Promise<bigint> {
    const [low, high] = await this.#view(STRK, 'balance_of', [address]);
    if (low === undefined || high === undefined) throw new RelayerError('bad-node-answer', 'the node answered balance_of of STRK without an amount; give the relayer another node', { fault: 'peer' });
    return BigInt(low) + (BigInt(high) << 128n);
  }

  /** A transaction of the sender that lands between the question for its nonce and the simulation spoils it: then it is made again. */
  async simulate(sender: Felt, calls: readonly ChainCall[]): Promise<Estimate> {
    let nonce = await this.nonceOf(sender);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#simulateAt(sender, calls, nonce);
      } catch (error) {
        if (!(error instanceof RelayerError) || error.code !== 'execution-error' || tries === SIMULATION_TRIES) throw error;
        const newer = await this.nonceOf(sender);
        if (newer === nonce) throw error;
        nonce = newer;
      }
    }
  }

  async #simulateAt(sender: Felt, calls: readonly ChainCall[], nonce: bigint): Promise<Estimate> {
    const nothing = { amount: 0n, price: 0n };
    const body = { ...invoke(sender, calls, nonce, { l1Gas: nothing, l1DataGas: nothing, l2Gas: nothing }), version: QUERY_VERSION, signature: [] };
    const [estimate] = await this.#ask('starknet_estimateFee', { request: [body], simulation_flags: ['SKIP_VALIDATE'], block_id: NEWEST }, v.tuple([FeeEstimate]), {
      [TRANSACTION_EXECUTION_ERROR]: (refusal) => reverted(refusal.data),
      [CONTRACT_ERROR]: (refusal) => reverted(refusal.data),
    });
    return {
      fee: estimate.overall_fee,
      used: {
        l1Gas: { amount: estimate.l1_gas_consumed, price: estimate.l1_gas_price },
        l1DataGas: { amount: estimate.l1_data_gas_consumed, price: estimate.l1_data_gas_price },
        l2Gas: { amount: estimate.l2_gas_consumed, price: estimate.l2_gas_price },
      },
    };
  }

  async sign(sender: Felt, calls: readonly ChainCall[], nonce: bigint, bounds: Bounds): Promise<SignedTransaction> {
    const key = this.#keys.get(sender);
    if (key === undefined) throw refuse('bad-options', `no key was given for sender ${sender}`);
    const body = invoke(sender, calls, nonce, bounds);
    const digest = toFelt(BigInt(hash.calculateInvokeTransactionHash({
      senderAddress: sender, version: '0x3', compiledCalldata: body.calldata, chainId: this.chainId as never, nonce, accountDeploymentData: [], paymasterData: [], tip: 0n,
      nonceDataAvailabilityMode: EDAMode.L1, feeDataAvailabilityMode: EDAMode.L1,
      resourceBounds: { l1_gas: bound(bounds.l1Gas), l1_data_gas: bound(bounds.l1DataGas), l2_gas: bound(bounds.l2Gas) },
    })));
    const { r, s } = ec.starkCurve.sign(digest, key);
    return { hash: digest, sender, nonce, body: { ...body, signature: [toFelt(r), toFelt(s)] } };
  }

  async submit({ hash: expected, body }: SignedTransaction): Promise<void> {
    try {
      const { transaction_hash } = await this.#rpc.call('starknet_addInvokeTransaction', { invoke_transaction: body }, Submitted);
      if (transaction_hash !== expected) throw new RelayerError('bad-node-answer', `the node took transaction ${expected} and called it ${transaction_hash}; give the relayer another node`, { fault: 'peer' });
    } catch (error) {
      if (!(error instanceof NodeRefusal)) throw error;
      if (error.code === DUPLICATE_TX) return;
      if (error.code === INVALID_TRANSACTION_NONCE) throw refuse('nonce-refused', `the node refused the nonce of ${expected}`);
      if (error.code >= FIRST_SUBMIT_ERROR && error.code <= LAST_SUBMIT_ERROR) throw refuse('submit-refused', `the node refused ${expected}: ${error.code} ${error.message}`);
      throw unexpected('starknet_addInvokeTransaction', error);
    }
  }

  async state(transaction: Felt): Promise<TransactionState> {
    const receipt = await this.#ask('starknet_getTransactionReceipt', { transaction_hash: transaction }, Receipt, { [TXN_HASH_NOT_FOUND]: () => undefined });
    if (receipt === undefined) {
      const status = await this.#ask('starknet_getTransactionStatus', { transaction_hash: transaction }, Status, { [TXN_HASH_NOT_FOUND]: () => undefined });
      return { status: status === undefined ? 'unknown' : 'waiting' };
    }
    const cost = { fee: receipt.actual_fee.amount, l2Gas: BigInt(receipt.execution_resources.l2_gas) };
    if (receipt.execution_status === 'SUCCEEDED') return { status: 'succeeded', ...cost };
    return { status: 'reverted', ...cost, reason: revertReason(receipt.revert_reason ?? '') };
  }

  #view<T = never>(contract: Felt, entrypoint: string, calldata: readonly Felt[], answers: Readonly<Record<number, (refusal: NodeRefusal) => T>> = {}): Promise<Felt[] | T> {
    const request = { contract_address: contract, entry_point_selector: selectorOf(entrypoint), calldata };
    return this.#ask('starknet_call', { request, block_id: NEWEST }, Felts, answers);
  }

  /** Asks the node; refusals with a number in `answers` are answers, all others mean that the node cannot do what it should. */
  async #ask<const Schema extends v.GenericSchema, T = never>(method: string, params: Readonly<Record<string, unknown>>, schema: Schema, answers: Readonly<Record<number, (refusal: NodeRefusal) => T>> = {}): Promise<v.InferOutput<Schema> | T> {
    try {
      return await this.#rpc.call(method, params, schema);
    } catch (error) {
      if (!(error instanceof NodeRefusal)) throw error;
      const answer = answers[error.code];
      if (answer !== undefined) return answer(error);
      throw unexpected(method, error);
    }
  }
}

/** An account's `__execute__` and the frame of a version 3 transaction, as the RPC has it. */
function invoke(sender: Felt, calls: readonly ChainCall[], nonce: bigint, { l1Gas, l1DataGas, l2Gas }: Bounds) {
  const wire = ({ amount, price }: Bounds['l2Gas']) => ({ max_amount: toFelt(amount), max_price_per_unit: toFelt(price) });
  return {
    type: 'INVOKE', version: '0x3', sender_address: sender, nonce: toFelt(nonce), tip: '0x0', paymaster_data: [], account_deployment_data: [],
    nonce_data_availability_mode: 'L1', fee_data_availability_mode: 'L1',
    resource_bounds: { l1_gas: wire(l1Gas), l1_data_gas: wire(l1DataGas), l2_gas: wire(l2Gas) },
    calldata: [toFelt(calls.length), ...calls.flatMap(({ to, selector, calldata }) => [to, selector, toFelt(calldata.length), ...calldata])],
  };
}

const bound = ({ amount, price }: Bounds['l2Gas']) => ({ max_amount: amount, max_price_per_unit: price });

function reverted(data: unknown): never {
  throw refuse('execution-error', revertReason(data));
}

function unexpected(method: string, { code, message }: NodeRefusal): RelayerError {
  return new RelayerError('node-unavailable', `the Starknet node refused ${method}: ${code} ${message}; try again, or give the relayer another node`, { fault: 'platform', fields: { method, code } });
}
