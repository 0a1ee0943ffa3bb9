import { Account, RpcError, RpcProvider, hash } from 'starknet';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import type { Call } from 'starknet';

/** `wrong-chain`: the node is on another chain. `node-silent`: no answer. `refused`: the contract or the node said no. `bad-answer`: none that a node gives. `no-account`: something has to be sent, and no key was given. */
export class ContractError extends CiroError<'wrong-chain' | 'node-silent' | 'refused' | 'bad-answer' | 'no-account'> {}

/** A node of a public network answers within a second or two. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Events of one answer; nodes give at most about a thousand. */
const EVENTS_AT_A_TIME = 200;
/** Pages of events that are read for one question: a case has five, an account some hundreds. */
const MAX_EVENT_PAGES = 50;
/** No tip: blocks have room. */
const OPTIONS = { tip: 0 };

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/i), v.transform((text) => BigInt(text)));
const Felts = v.pipe(v.array(Felt), v.maxLength(100_000));
const Placed = v.object({ block_number: v.number(), block_hash: v.string(), execution_status: v.string(), revert_reason: v.optional(v.string()), execution_resources: v.object({ l2_gas: v.union([v.number(), v.bigint()]) }) });
const Head = v.object({ block_number: v.number(), timestamp: v.number() });
const Events = v.object({ events: v.array(v.object({ keys: Felts, data: Felts, transaction_hash: v.string(), block_number: v.optional(v.number()) })), continuation_token: v.optional(v.string()) });

/** Where a transaction stands. `unknown`: the node has never heard of it, or has forgotten it. */
export type Sent = { readonly state: 'unknown' | 'waiting' } | { readonly state: 'succeeded'; readonly l2Gas: number } | { readonly state: 'reverted'; readonly reason: string };

export interface ChainEvent {
  /** Without the selector. */
  readonly keys: readonly bigint[];
  readonly data: readonly bigint[];
  readonly transaction: string;
  /** Number of its block; beyond all of them while it is in none. */
  readonly block: number;
}

export interface AccountKeys {
  readonly address: string;
  readonly privateKey: string;
}

export interface ContractCallerOptions {
  readonly rpc: string;
  /** As a field element, 0x hex. */
  readonly chainId: string;
  /** Who signs what is sent; its key stays in this process. Without one only views are asked. */
  readonly account?: AccountKeys;
}

/** An integer as 0x hex without leading zeros. */
export const hexOf = (value: bigint | number | string): string => `0x${BigInt(value).toString(16)}`;

/** Views, events and transactions of any contract over a node, by starknet.js. Transactions of its account go one after the other; nothing is signed for another chain than the one named. */
export class ContractCaller {
  readonly chainId: string;
  /** Of who signs; null without one. */
  readonly account: string | null;
  readonly #rpc: string;
  readonly #provider: RpcProvider;
  readonly #signer: Account | undefined;
  #rightChain: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Asks nobody yet: a node that does not answer now may do so later. */
  constructor({ rpc, chainId, account }: ContractCallerOptions) {
    this.chainId = hexOf(chainId);
    this.#rpc = rpc;
    this.account = account === undefined ? null : hexOf(account.address);
    const limited = (input: string | URL | Request, init?: RequestInit): Promise<Response> => fetch(input, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    this.#provider = new RpcProvider({ nodeUrl: rpc, baseFetch: limited });
    this.#signer = account === undefined ? undefined : new Account({ provider: this.#provider, address: account.address, signer: account.privateKey });
  }

  /** At least `least` field elements that a view answers, by the newest block. Throws ContractError. */
  async view(contract: string, entrypoint: string, calldata: readonly string[], least: number): Promise<bigint[]> {
    const answer = await this.#ask(entrypoint, () => this.#provider.callContract({ contractAddress: contract, entrypoint, calldata: [...calldata] }));
    const felts = v.safeParse(v.pipe(Felts, v.minLength(least)), answer);
    if (felts.success) return felts.output;
    throw new ContractError('bad-answer', `${entrypoint} of ${contract} answered no ${least} field elements; is that the address of the contract?`, { fault: 'platform', fields: { entrypoint, contract } });
  }

  /** Sends one transaction of all calls and gives its hash, without waiting for a block. What would revert is `refused` and not sent. */
  send(what: string, calls: readonly Call[]): Promise<string> {
    const signer = this.#signer;
    if (signer === undefined) throw new ContractError('no-account', `${what} has to be signed, and no account was given`, { fault: 'user' });
    const turn = this.#turn.then(async () => {
      await (this.#rightChain ??= this.#checkChain().catch((error: unknown) => {
        this.#rightChain = undefined;
        throw error;
      }));
      return hexOf((await this.#ask(what, () => signer.execute([...calls], OPTIONS))).transaction_hash);
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async sent(transaction: string): Promise<Sent> {
    return this.#ask('the receipt', async () => {
      try {
        const { value } = await this.#provider.getTransactionReceipt(transaction);
        const placed = v.safeParse(Placed, value);
        if (!placed.success) return { state: 'waiting' };
        const { execution_status: status, revert_reason: reason = 'no reason given', execution_resources: { l2_gas: gas } } = placed.output;
        return status === 'SUCCEEDED' ? { state: 'succeeded', l2Gas: Number(gas) } : { state: 'reverted', reason: revertReason(reason) };
      } catch (error) {
        if (error instanceof RpcError && error.isType('TXN_HASH_NOT_FOUND')) return { state: 'unknown' };
        throw error;
      }
    });
  }

  /** Events `name` of a contract from a block on, oldest first. `keys`: what its keys have to be, null for any. */
  async events(contract: string, name: string, keys: readonly (string | null)[], fromBlock: number): Promise<ChainEvent[]> {
    const found: ChainEvent[] = [];
    const wanted = [[hexOf(hash.getSelectorFromName(name))], ...keys.map((key) => (key === null ? [] : [hexOf(key)]))];
    let token: string | undefined;
    for (let page = 0; page < MAX_EVENT_PAGES; page++) {
      const filter = { address: contract, keys: wanted, from_block: { block_number: fromBlock }, to_block: 'latest' as const, chunk_size: EVENTS_AT_A_TIME, ...(token === undefined ? {} : { continuation_token: token }) };
      const parsed = v.safeParse(Events, await this.#ask(`the events ${name}`, () => this.#provider.getEvents(filter)));
      if (!parsed.success) throw new ContractError('bad-answer', `the node at ${this.#rpc} answered no events (${parsed.issues[0].message})`, { fault: 'platform' });
      for (const { keys: [, ...rest], data, transaction_hash: transaction, block_number: block = Number.MAX_SAFE_INTEGER } of parsed.output.events) found.push({ keys: rest, data, transaction: hexOf(transaction), block });
      token = parsed.output.continuation_token;
      if (token === undefined) return found;
    }
    throw new ContractError('bad-answer', `more than ${MAX_EVENT_PAGES * EVENTS_AT_A_TIME} events ${name} of ${contract} from block ${fromBlock} on`, { fault: 'platform' });
  }

  /** Number of the newest block, and its Unix seconds. */
  async head(): Promise<{ readonly number: number; readonly time: number }> {
    const { block_number: number, timestamp: time } = v.parse(Head, await this.#ask('the newest block', () => this.#provider.getBlock('latest')));
    return { number, time };
  }

  async #checkChain(): Promise<void> {
    const found = await this.#ask('the chain', () => this.#provider.getChainId());
    if (BigInt(found) !== BigInt(this.chainId)) throw new ContractError('wrong-chain', `the node at ${this.#rpc} is on chain ${found}, and the contracts are on ${this.chainId}; give a node of that chain`, { fault: 'user', fields: { found, expected: this.chainId } });
  }

  async #ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      if (cause instanceof CiroError) throw cause;
      if (cause instanceof RpcError) throw new ContractError('refused', `the node at ${this.#rpc} refused ${what}: ${revertReason(cause.message)}`, { fault: 'platform', fields: { what, reason: revertReason(cause.message) }, cause });
      throw new ContractError('node-silent', `the node at ${this.#rpc} did not answer to ${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { fault: 'platform', fields: { what }, cause });
    }
  }
}

/** The contract's own words where there are any, else the end of what the node said. */
const revertReason = (text: string): string => /CIRO-[A-Z]{2}: [a-z ]+/.exec(text)?.[0] ?? text.slice(-200);
