/** A node over its JSON-RPC. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RpcError, RpcProvider, logger } from 'starknet';
import { ChainError } from './chain-error.ts';
import { felt, feltText } from './felts.ts';
import { revertReason } from './revert-reason.ts';
import type { Felt } from './felts.ts';

/** A node on the same machine answers within milliseconds, one of a network within a second or two. */
const ANSWER_TIMEOUT_MS = 30_000;
/** A transaction is in a block within ten seconds; a gas spike may keep it out for longer. */
const RECEIPT_TIMEOUT_MS = 300_000;
/** A block of a devnet is there with its transaction; networks take seconds. */
const LOCAL_POLL_MS = 25;
const NETWORK_POLL_MS = 2_000;

export interface Call {
  readonly to: Felt;
  readonly entrypoint: string;
  readonly calldata: readonly Felt[];
}

/** What a transaction took. */
export interface Receipt {
  readonly hash: Felt;
  readonly l2Gas: number;
  readonly l1DataGas: number;
  readonly feeFri: bigint;
  /** From the request to the receipt in our hands. */
  readonly ms: number;
  readonly events: readonly { readonly from: Felt; readonly keys: readonly Felt[]; readonly data: readonly Felt[] }[];
}

export interface ConnectOptions {
  readonly rpc: string;
  /** As `SN_SEPOLIA`. */
  readonly chainId: string;
  readonly local: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly answerTimeoutMs?: number;
}

logger.setLogLevel('ERROR');

export class ChainClient {
  readonly rpc: string;
  readonly chainId: string;
  readonly provider: RpcProvider;
  readonly #pollMs: number;
  readonly #signal: AbortSignal | undefined;

  private constructor({ rpc, chainId, local, signal, answerTimeoutMs = ANSWER_TIMEOUT_MS }: ConnectOptions) {
    this.rpc = rpc;
    this.chainId = chainId;
    this.#pollMs = local ? LOCAL_POLL_MS : NETWORK_POLL_MS;
    this.#signal = signal;
    const limited = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
      fetch(input, { ...init, signal: AbortSignal.any([AbortSignal.timeout(answerTimeoutMs), ...(signal === undefined ? [] : [signal])]) });
    this.provider = new RpcProvider({ nodeUrl: rpc, specVersion: '0.10.2', baseFetch: limited });
  }

  /** @throws ChainError `node-silent`, `wrong-chain` before anything is signed for another chain */
  static async connect(options: ConnectOptions): Promise<ChainClient> {
    const client = new ChainClient(options);
    const found = await client.ask('the chain’s id', async () => feltText(felt(await client.provider.getChainId())));
    if (found !== options.chainId) {
      throw new ChainError('wrong-chain', `The node at ${options.rpc} is on ${found}, not on ${options.chainId}. Nothing was sent. Name a node of ${options.chainId}, or the network that this node belongs to.`, {
        fault: 'user',
        fields: { rpc: options.rpc, found, expected: options.chainId },
      });
    }
    return client;
  }

  /** Class of the contract at `address`; undefined when there is none. */
  async classHashAt(address: Felt): Promise<Felt | undefined> {
    return this.#orNone('CONTRACT_NOT_FOUND', async () => felt(await this.provider.getClassHashAt(address)));
  }

  async isDeclared(classHash: Felt): Promise<boolean> {
    const found = await this.#orNone('CLASS_HASH_NOT_FOUND', () => this.provider.getClass(classHash));
    return found !== undefined;
  }

  /** What a view answers. */
  async view({ to, entrypoint, calldata }: Call): Promise<Felt[]> {
    return this.ask(entrypoint, async () => (await this.provider.callContract({ contractAddress: to, entrypoint, calldata: [...calldata] })).map((value) => felt(value)));
  }

  /** Seconds since 1970 of the latest block: contracts know no other clock. */
  async blockTime(): Promise<number> {
    return (await this.ask('the latest block', () => this.provider.getBlock('latest'))).timestamp;
  }

  /** Waits until the transaction is in a block. @throws ChainError `reverted`, `node-silent` */
  async receipt(hash: Felt, what: string, started: number): Promise<Receipt> {
    const until = performance.now() + RECEIPT_TIMEOUT_MS;
    for (;;) {
      const found = await this.#orNone('TXN_HASH_NOT_FOUND', () => this.provider.getTransactionReceipt(hash));
      if (found !== undefined) {
        const { value } = found;
        if (!('execution_status' in value)) throw new ChainError('refused', `${what} (${hash}) has a receipt without a status`, { fault: 'platform', fields: { hash } });
        if (value.execution_status !== 'SUCCEEDED') throw reverted(what, 'revert_reason' in value ? String(value.revert_reason) : '', hash);
        const { l2_gas, l1_data_gas } = value.execution_resources;
        const events = value.events.map((event) => ({ from: felt(event.from_address), keys: event.keys.map(felt), data: event.data.map(felt) }));
        return { hash, l2Gas: Number(l2_gas), l1DataGas: Number(l1_data_gas), feeFri: BigInt(value.actual_fee.amount), ms: performance.now() - started, events };
      }
      if (performance.now() > until) throw new ChainError('node-silent', `${what} (${hash}) was sent and is in no block after ${RECEIPT_TIMEOUT_MS / 60_000} minutes. Run the command again: it asks the chain before it sends anything twice.`, { fault: 'timeout', fields: { hash } });
      await sleep(this.#pollMs, undefined, this.#signal === undefined ? {} : { signal: this.#signal });
    }
  }

  /** Runs one request; what the node refuses and what the network loses become our errors. */
  async ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      this.#signal?.throwIfAborted();
      if (cause instanceof ChainError) throw cause;
      if (cause instanceof RpcError) {
        if (cause.isType('CONTRACT_ERROR') || cause.isType('TRANSACTION_EXECUTION_ERROR')) throw reverted(what, cause.message, undefined, cause);
        throw new ChainError('refused', `The node refused ${what}: ${cause.message.slice(-500)}`, { fault: 'platform', fields: { what }, cause });
      }
      if (cause instanceof SyntaxError || (cause instanceof TypeError && cause.cause === undefined)) {
        throw new ChainError('refused', `What ${this.rpc} answered to ${what} is no Starknet JSON-RPC (${cause.message}). Is it the address of a node, with its path?`, { fault: 'platform', fields: { rpc: this.rpc, what }, cause });
      }
      throw new ChainError('node-silent', `The node at ${this.rpc} does not answer (${what}: ${describe(cause)}). What was sent before stands on the chain; start the node or name another one and run the command again.`, {
        fault: 'platform',
        fields: { rpc: this.rpc, what },
        cause,
      });
    }
  }

  async #orNone<T>(missing: 'CONTRACT_NOT_FOUND' | 'CLASS_HASH_NOT_FOUND' | 'TXN_HASH_NOT_FOUND', request: () => Promise<T>): Promise<T | undefined> {
    return this.ask(missing, async () => {
      try {
        return await request();
      } catch (error) {
        if (error instanceof RpcError && error.isType(missing)) return undefined;
        throw error;
      }
    });
  }
}

function reverted(what: string, text: string, hash?: Felt, cause?: unknown): ChainError {
  const reason = revertReason(text);
  return new ChainError('reverted', `${what} ${hash === undefined ? 'would revert' : `(${hash}) was reverted`}: ${reason}`, { fault: 'user', fields: { what, reason, hash }, cause });
}

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};
