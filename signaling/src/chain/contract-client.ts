import { Account, RpcError, RpcProvider } from 'starknet';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import { revertReason } from './revert-reason.ts';
import type { Call } from 'starknet';
import type { Receipt } from '../settlement/ports.ts';

/** `wrong-chain`: the node is on another chain than the contract. `node-silent`: no answer. `refused`: the node says no, with its reason. `bad-answer`: none that a node gives. */
export class ContractError extends CiroError<'wrong-chain' | 'node-silent' | 'refused' | 'bad-answer'> {}

/** A node of a public network answers within a second or two. */
const ANSWER_TIMEOUT_MS = 30_000;
const DEFAULT_CONFIRMATIONS = 10;
const UNKNOWN_TRANSACTION = 'TXN_HASH_NOT_FOUND';
/** No tip: blocks have room. */
const OPTIONS = { tip: 0 };

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/i), v.transform((text) => BigInt(text)));
const Head = v.object({ block_number: v.number(), timestamp: v.number() });
const Latest = v.object({ block_number: v.number() });
const Placed = v.object({ block_number: v.number(), block_hash: v.string(), execution_status: v.string(), revert_reason: v.optional(v.string()) });

export interface ContractOptions {
  readonly rpc: string;
  /** As a field element, 0x hex. */
  readonly chainId: string;
  /** Who signs. The key stays in this process. */
  readonly sender: { readonly address: string; readonly privateKey: string };
  /** What is `settled` lies under so many other blocks: 0 on a devnet. A longer reorganisation is an alarm. */
  readonly confirmations?: number;
  /** The node is a devnet: it makes a block only when it is sent something, and estimates fees by the time of its newest one. A block is asked for before each transaction. */
  readonly devnet?: boolean;
}

/** What a view is read by: the newest block, or one that lies under enough others to stay. */
export type ReadAt = 'newest' | 'settled';

/** Only a devnet has this. */
async function createBlock(rpc: string): Promise<void> {
  const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_createBlock', params: {} }), signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  v.parse(v.looseObject({ result: v.looseObject({}) }), await response.json());
}

export const hexOf = (value: bigint | number | string): string => `0x${BigInt(value).toString(16)}`;

/** Views and transactions of one sender over a node, by starknet.js. Its transactions go one after the other. */
export class ContractClient {
  readonly chainId: string;
  readonly sender: string;
  readonly #options: ContractOptions;
  readonly #provider: RpcProvider;
  readonly #account: Account;
  #checked = false;
  #turn: Promise<unknown> = Promise.resolve();

  /** Asks nobody yet: a node that does not answer now may do so later. */
  constructor(options: ContractOptions) {
    this.chainId = hexOf(options.chainId);
    this.sender = hexOf(options.sender.address);
    this.#options = options;
    const limited = (input: string | URL | Request, init?: RequestInit): Promise<Response> => fetch(input, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    this.#provider = new RpcProvider({ nodeUrl: options.rpc, baseFetch: limited });
    this.#account = new Account({ provider: this.#provider, address: options.sender.address, signer: options.sender.privateKey });
  }

  /** Field elements that a view answers: at least `least` of them. Undefined while the chain is shorter than the confirmations. */
  async view(contract: string, entrypoint: string, calldata: readonly string[], least: number, at: ReadAt): Promise<bigint[] | undefined> {
    await this.#rightChain();
    // A devnet keeps no state but its newest one: asked for by number it may be gone with the next block.
    const block = at === 'newest' || this.#options.confirmations === 0 ? 'latest' : await this.#settledBlock();
    if (block === undefined) return undefined;
    const answer = await this.#ask(entrypoint, () => this.#provider.callContract({ contractAddress: contract, entrypoint, calldata: [...calldata] }, block));
    const felts = v.safeParse(v.pipe(v.array(Felt), v.minLength(least)), answer);
    if (!felts.success) throw new ContractError('bad-answer', `${entrypoint} of ${contract} answered no ${least} field elements; is that the contract's address?`, { fault: 'platform', fields: { entrypoint, contract } });
    return felts.output;
  }

  /** Sends one transaction and gives its hash, without waiting for a block. */
  send(what: string, calls: readonly Call[]): Promise<string> {
    const turn = this.#turn.then(async () => {
      await this.#rightChain();
      if (this.#options.devnet === true) await this.#ask('a block', () => createBlock(this.#options.rpc));
      // One transaction at a time: two would take the same nonce.
      return (await this.#ask(what, () => this.#account.execute([...calls], OPTIONS))).transaction_hash;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async receipt(transaction: string): Promise<Receipt> {
    return this.#ask('the receipt', async () => {
      try {
        const { value } = await this.#provider.getTransactionReceipt(transaction);
        const placed = v.safeParse(Placed, value);
        if (!placed.success) return { state: 'waiting' };
        const { block_number: number, block_hash: hash, execution_status: status, revert_reason: reason = 'no reason given' } = placed.output;
        return status === 'SUCCEEDED' ? { state: 'in-block', block: { number, hash } } : { state: 'reverted', block: { number, hash }, reason: revertReason(reason) };
      } catch (error) {
        if (error instanceof RpcError && error.isType(UNKNOWN_TRANSACTION)) return { state: 'unknown' };
        throw error;
      }
    });
  }

  /** Unix seconds of the newest block. */
  async time(): Promise<number> {
    return v.parse(Head, await this.#ask('the newest block', () => this.#provider.getBlock('latest'))).timestamp;
  }

  async #settledBlock(): Promise<number | undefined> {
    const { block_number: newest } = v.parse(Latest, await this.#ask('the newest block', () => this.#provider.getBlockLatestAccepted()));
    const block = newest - (this.#options.confirmations ?? DEFAULT_CONFIRMATIONS);
    return block < 0 ? undefined : block;
  }

  /** Nothing is signed or believed on another chain. */
  async #rightChain(): Promise<void> {
    if (this.#checked) return;
    const found = await this.#ask('the chain', () => this.#provider.getChainId());
    if (BigInt(found) !== BigInt(this.chainId)) throw new ContractError('wrong-chain', `the node at ${this.#options.rpc} is on chain ${found}, and the contract on ${this.chainId}; give a node of that chain`, { fault: 'user', fields: { found, expected: this.chainId } });
    this.#checked = true;
  }

  /** Runs a request; what the network loses becomes `node-silent`, what the node refuses `refused` with the contract's own words where there are any. */
  async #ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    const { rpc } = this.#options;
    try {
      return await request();
    } catch (cause) {
      if (cause instanceof RpcError) {
        const reason = revertReason(cause.message);
        throw new ContractError('refused', `the node at ${rpc} refused ${what}: ${reason}`, { fault: 'platform', fields: { what, reason }, cause });
      }
      throw new ContractError('node-silent', `the node at ${rpc} did not answer to ${what}: ${cause instanceof Error ? cause.message : String(cause)}; it is asked again`, { fault: 'platform', fields: { what }, cause });
    }
  }
}
