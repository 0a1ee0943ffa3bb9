import { ChainAccount } from '@ciro/contracts/chain/account.ts';
import { revertReason } from '@ciro/contracts/chain/revert-reason.ts';
import { ChainClient } from '@ciro/contracts/chain/starknet.ts';
import * as v from 'valibot';
import type { Keys } from '@ciro/contracts/chain/account.ts';
import type { Felt } from '@ciro/contracts/chain/felts.ts';
import type { Call } from '@ciro/contracts/chain/starknet.ts';

/** More than any transaction of the tests takes: with bounds given nothing is estimated, so what would revert is sent all the same. */
const BOUNDS = { l1_gas: { max_amount: 0n, max_price_per_unit: 10n ** 15n }, l1_data_gas: { max_amount: 100_000n, max_price_per_unit: 10n ** 9n }, l2_gas: { max_amount: 800_000_000n, max_price_per_unit: 10n ** 10n } };
const LOOK_MS = 20;
/** Two in a row that fall on the turn of a second are rare. */
const MOST_TRIES = 10;
/** Seconds by which a test's time begins ahead of the machine's. */
const AHEAD_S = 1_000;

/** What became of a transaction: `paid` where it went through, else the reason of its revert. */
export interface Outcome {
  readonly reason: string | null;
  readonly events: number;
}

const Block = v.object({ result: v.object({ timestamp: v.number() }) });
const Receipt = v.looseObject({ execution_status: v.string(), revert_reason: v.optional(v.string()), events: v.array(v.unknown()) });

/** A chain whose every transaction runs at the time that the test says, to the second: real time does not count. */
export class TimedSender {
  readonly chain: ChainClient;
  /** Unix seconds. */
  now: number;

  static async open(rpc: string): Promise<TimedSender> {
    const chain = await ChainClient.connect({ rpc, chainId: 'SN_SEPOLIA', local: true });
    return new TimedSender(chain, (await chain.blockTime()) + AHEAD_S);
  }

  private constructor(chain: ChainClient, now: number) {
    this.chain = chain;
    this.now = now;
  }

  /** Sends the calls as one transaction that runs at `now`, also where they revert. */
  async send(from: Keys, ...calls: readonly Call[]): Promise<Outcome> {
    const { provider } = this.chain;
    const { account } = new ChainAccount(this.chain, from);
    await this.#setTime();
    const { transaction_hash: hash } = await account.execute(calls.map(({ to, entrypoint, calldata }) => ({ contractAddress: to, entrypoint, calldata: [...calldata] })), { tip: 0, resourceBounds: BOUNDS });
    const { value } = await provider.waitForTransaction(hash, { retryInterval: LOOK_MS });
    const receipt = v.parse(Receipt, value);
    return { reason: receipt.execution_status === 'REVERTED' ? revertReason(receipt.revert_reason ?? '') : null, events: receipt.events.length };
  }

  async view(to: Felt, entrypoint: string, ...calldata: readonly Felt[]): Promise<bigint> {
    return BigInt((await this.chain.view({ to, entrypoint, calldata }))[0] ?? 0);
  }

  /** A transaction runs at the time at which its block was opened, which is the one before's end: a second later where that fell on the turn of one. */
  async #setTime(): Promise<void> {
    let opened = 0;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      await this.#ask('devnet_setTime', { time: this.now, generate_block: true });
      opened = v.parse(Block, await this.#ask('starknet_getBlockWithTxHashes', { block_id: 'pre_confirmed' })).result.timestamp;
      if (opened === this.now) return;
    }
    throw new Error(`the next block is of ${opened}, not of ${this.now}`);
  }

  async #ask(method: string, params: object): Promise<unknown> {
    const response = await fetch(this.chain.rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
    return response.json();
  }
}
