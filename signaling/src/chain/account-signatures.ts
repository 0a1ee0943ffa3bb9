import * as v from 'valibot';
import { FeltSchema, toFelt } from './felt.ts';
import { NodeRefusal, NodeRpc } from './node-rpc.ts';
import { RelayerError } from './relayer-error.ts';
import { SIGNATURE_VALID, selectorOf } from './starknet-hashes.ts';
import type { AccountSignatures } from '../settlement/link-ports.ts';
import type { Fetch } from './node-rpc.ts';

const CONTRACT_NOT_FOUND = 20;
const CONTRACT_ERROR = 40;
const TRANSACTION_EXECUTION_ERROR = 41;
/** Newer nodes have a code of its own for it. */
const ENTRYPOINT_NOT_FOUND = 21;
const NEWEST = 'latest';
/** How a node says that a contract has no such entry point. */
const NO_ENTRYPOINT = /entry.?point.{0,80}(not found|does not exist)|ENTRYPOINT_NOT_FOUND|EntryPointNotFound/i;

const Felts = v.pipe(v.array(FeltSchema), v.maxLength(1_000));

export interface AccountSignaturesOptions {
  readonly rpc: string;
  /** As a field element, 0x hex. */
  readonly chainId: string;
  readonly fetch?: Fetch;
}

/** Asks accounts on a chain whose a signature is (`is_valid_signature`, SNIP-6), by the newest block. Rejects when the node does not answer, or is of another chain. */
export class ChainSignatures implements AccountSignatures {
  readonly #rpc: NodeRpc;
  readonly #chainId: string;

  constructor({ rpc, chainId, fetch }: AccountSignaturesOptions) {
    this.#rpc = new NodeRpc(rpc, { fetch });
    this.#chainId = toFelt(BigInt(chainId));
  }

  async check(account: string, hash: bigint, signature: readonly string[]): Promise<'valid' | 'invalid' | 'absent' | 'foreign'> {
    const told = await this.#rpc.call('starknet_chainId', {}, FeltSchema);
    if (told !== this.#chainId) throw new RelayerError('wrong-chain', `the node is of chain ${told}, and workers are paid on ${this.#chainId}`, { fault: 'user', fields: { told } });
    try {
      await this.#rpc.call('starknet_getClassHashAt', { block_id: NEWEST, contract_address: account }, FeltSchema);
    } catch (error) {
      if (error instanceof NodeRefusal && error.code === CONTRACT_NOT_FOUND) return 'absent';
      throw error;
    }
    const request = { contract_address: account, entry_point_selector: selectorOf('is_valid_signature'), calldata: [toFelt(hash), toFelt(signature.length), ...signature] };
    try {
      const [answer, ...more] = await this.#rpc.call('starknet_call', { request, block_id: NEWEST }, Felts);
      return answer === SIGNATURE_VALID && more.length === 0 ? 'valid' : 'invalid';
    } catch (error) {
      if (!(error instanceof NodeRefusal)) throw error;
      if (error.code === ENTRYPOINT_NOT_FOUND || NO_ENTRYPOINT.test(`${error.message} ${JSON.stringify(error.data ?? '')}`)) return 'foreign';
      // Accounts say no by an answer or by a revert.
      if (error.code === CONTRACT_ERROR || error.code === TRANSACTION_EXECUTION_ERROR) return 'invalid';
      throw error;
    }
  }
}
