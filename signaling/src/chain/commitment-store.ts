import { Account, RpcError, RpcProvider } from 'starknet';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import type { Call } from 'starknet';
import type { ChainBlock, ChainEpoch, ChainPort, ClaimGroup, EpochSummary, Receipt } from '../settlement/ports.ts';

/** `wrong-chain`: the node is on another chain than the contract. `node-silent`: no answer. `bad-answer`: none that a node gives. */
export class CommitmentStoreError extends CiroError<'wrong-chain' | 'node-silent' | 'bad-answer'> {}

/** A node of a public network answers within a second or two. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Views asked for at a time: nodes limit requests by the second. */
const VIEWS_AT_A_TIME = 32;
const UNKNOWN_TRANSACTION = 'TXN_HASH_NOT_FOUND';
/** As the contract's enum counts them. */
const STATES = [undefined, 'pending', 'held', 'final', 'vetoed'] as const;
/** No tip: blocks have room. */
const OPTIONS = { tip: 0 };

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/i), v.transform((text) => BigInt(text)));
const Block = v.object({ block_number: v.number() });
const Placed = v.object({ block_number: v.number(), block_hash: v.string(), execution_status: v.string(), revert_reason: v.optional(v.string()) });

export interface CommitmentStoreOptions {
  readonly rpc: string;
  /** As a field element, 0x hex. */
  readonly chainId: string;
  /** Address of the contract, 0x hex. */
  readonly store: string;
  /** Account with the SETTLER role. Its key stays in this process. */
  readonly settler: { readonly address: string; readonly privateKey: string };
  /** A payment is booked when its block lies under so many others: 0 on a devnet. A longer reorganisation is an alarm. */
  readonly confirmations?: number;
}

const DEFAULT_CONFIRMATIONS = 10;
const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** The settlement contract over a node, by starknet.js. Transactions of its settler go one after the other. */
export class CommitmentStore implements ChainPort {
  readonly chainId: string;
  readonly store: string;
  readonly #options: CommitmentStoreOptions;
  readonly #provider: RpcProvider;
  readonly #settler: Account;
  /** Address of the contract's token, once node and contract were found to be the right ones. */
  #token: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Asks nobody yet: a node that does not answer now may do so later. */
  constructor(options: CommitmentStoreOptions) {
    const { rpc, chainId, store, settler } = options;
    this.chainId = hex(BigInt(chainId));
    this.store = hex(BigInt(store));
    this.#options = options;
    const limited = (input: string | URL | Request, init?: RequestInit): Promise<Response> => fetch(input, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    this.#provider = new RpcProvider({ nodeUrl: rpc, baseFetch: limited });
    this.#settler = new Account({ provider: this.#provider, address: settler.address, signer: settler.privateKey });
  }

  /** Block 0: its hash, and its time, because every devnet gives it the same hash. */
  async birth(): Promise<string> {
    await this.#rightChain();
    const block = await this.#ask('the first block', () => this.#provider.getBlock(0));
    const parsed = v.safeParse(v.object({ block_hash: v.string(), timestamp: v.number() }), block);
    if (!parsed.success) throw new CommitmentStoreError('bad-answer', `the node at ${this.#options.rpc} answered no block 0; give a node that has all blocks`, { fault: 'platform' });
    return `${parsed.output.block_hash}@${parsed.output.timestamp}`;
  }

  postEpoch({ epoch, root, total, count, depth, data_hash: dataHash }: EpochSummary): Promise<string> {
    return this.#send('post_epoch', [{ contractAddress: this.store, entrypoint: 'post_epoch', calldata: [hex(epoch), root, hex(BigInt(total)), hex(count), hex(depth), dataHash] }]);
  }

  claimGroups(groups: readonly ClaimGroup[]): Promise<string> {
    const calls = groups.map(({ epoch, first, items, proof }): Call => {
      const leaves = items.flatMap(({ account, cumulative }) => [account, hex(cumulative)]);
      return { contractAddress: this.store, entrypoint: 'claim_group', calldata: [hex(epoch), hex(first), hex(items.length), ...leaves, hex(proof.length), ...proof.map(hex)] };
    });
    return this.#send('claim_group', calls);
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

  async epochInfo(epoch: number): Promise<ChainEpoch | undefined> {
    const [root, total, , , claimableAt, , state] = await this.#view('epoch_info', [hex(epoch)], 7);
    if (root === undefined || root === 0n || total === undefined) return undefined;
    const known = STATES[Number(state)];
    if (known === undefined) throw new CommitmentStoreError('bad-answer', `epoch_info of ${this.store} answered state ${state}; the contract is of another version`, { fault: 'platform' });
    return { root: hex(root), total, claimableAt: Number(claimableAt), state: known };
  }

  async paidOf(accounts: readonly string[], at: 'newest' | 'settled'): Promise<bigint[]> {
    const block = at === 'newest' ? undefined : await this.#settledBlock();
    if (block !== undefined && block < 0) return accounts.map(() => 0n);
    const paid: bigint[] = [];
    for (let from = 0; from < accounts.length; from += VIEWS_AT_A_TIME) {
      const some = accounts.slice(from, from + VIEWS_AT_A_TIME);
      paid.push(...(await Promise.all(some.map(async (account) => (await this.#view('paid_of', [account], 1, this.store, block))[0] ?? 0n))));
    }
    return paid;
  }

  async funds(): Promise<{ balance: bigint; paid: bigint }> {
    const token = await this.#rightChain();
    const [[low = 0n, high = 0n], [paid = 0n]] = await Promise.all([this.#view('balance_of', [this.store], 2, token), this.#view('paid_total', [], 1)]);
    return { balance: low + (high << 128n), paid };
  }

  /** Number and hash of the newest block, and its Unix seconds. */
  async head(): Promise<ChainBlock & { readonly time: number }> {
    const block = await this.#ask('the newest block', () => this.#provider.getBlock('latest'));
    const { block_number: number, block_hash: hash, timestamp: time } = v.parse(v.object({ block_number: v.number(), block_hash: v.string(), timestamp: v.number() }), block);
    return { number, hash, time };
  }

  /** Below 0 while the chain is shorter than the confirmations. Undefined for the newest: a devnet forgets the states of blocks before it. */
  async #settledBlock(): Promise<number | undefined> {
    if (this.#options.confirmations === 0) return undefined;
    const latest = v.parse(Block, await this.#ask('the newest block', () => this.#provider.getBlockLatestAccepted()));
    return latest.block_number - (this.#options.confirmations ?? DEFAULT_CONFIRMATIONS);
  }

  /** Field elements that a view answers: at least `least` of them. */
  async #view(entrypoint: string, calldata: readonly string[], least: number, contract = this.store, block?: number): Promise<bigint[]> {
    const answer = await this.#ask(entrypoint, () => this.#provider.callContract({ contractAddress: contract, entrypoint, calldata: [...calldata] }, block ?? 'latest'));
    const felts = v.safeParse(v.pipe(v.array(Felt), v.minLength(least)), answer);
    if (!felts.success) throw new CommitmentStoreError('bad-answer', `${entrypoint} of ${contract} answered no ${least} field elements; is that the address of the settlement contract?`, { fault: 'platform', fields: { entrypoint, contract } });
    return felts.output;
  }

  /** One transaction at a time: two would take the same nonce. */
  #send(what: string, calls: Call[]): Promise<string> {
    const turn = this.#turn.then(async () => {
      await this.#rightChain();
      return (await this.#ask(what, () => this.#settler.execute(calls, OPTIONS))).transaction_hash;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The contract's token, when the node is on our chain: nothing is signed for another one. */
  async #rightChain(): Promise<string> {
    if (this.#token !== undefined) return this.#token;
    const { rpc } = this.#options;
    const found = await this.#ask('the chain', () => this.#provider.getChainId());
    if (BigInt(found) !== BigInt(this.chainId)) throw new CommitmentStoreError('wrong-chain', `the node at ${rpc} is on chain ${found}, and the settlement contract on ${this.chainId}; give a node of that chain`, { fault: 'user', fields: { found, expected: this.chainId } });
    const [token = 0n] = await this.#view('token', [], 1);
    return (this.#token = hex(token));
  }

  /** Runs a request; what the network loses becomes `node-silent`, what the node refuses `bad-answer` with its reason. */
  async #ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    const { rpc } = this.#options;
    try {
      return await request();
    } catch (cause) {
      if (cause instanceof RpcError) throw new CommitmentStoreError('bad-answer', `the node at ${rpc} refused ${what}: ${revertReason(cause.message)}`, { fault: 'platform', fields: { what }, cause });
      throw new CommitmentStoreError('node-silent', `the node at ${rpc} did not answer to ${what}: ${cause instanceof Error ? cause.message : String(cause)}; settlement goes on when it does`, { fault: 'platform', fields: { what }, cause });
    }
  }
}

/** The contract's own words where there are any, else the end of what the node said. */
const revertReason = (text: string): string => /CIRO-[A-Z]{2}: [a-z ]+/.exec(text)?.[0] ?? text.slice(-200);
