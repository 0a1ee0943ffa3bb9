import * as v from 'valibot';
import { FeltSchema } from './felt.ts';
import { NodeRpc } from './node-rpc.ts';
import { selectorOf } from './starknet-hashes.ts';
import type { ChainDoor } from '@ciro/core/sponsorship/chain-door.ts';

/** Blocks back from the newest in which a payment is looked for: what was just paid lies in the last few. */
const LOOK_BACK = 1_000;
/** Transfers from the contract to one account in so many blocks: one an epoch. */
const MOST_TRANSFERS = 100;

const Amount = v.pipe(FeltSchema, v.transform((felt) => BigInt(felt)));
const Events = v.object({ events: v.array(v.object({ transaction_hash: FeltSchema })) });
const Sent = v.object({ sender_address: v.optional(FeltSchema) });
const Fee = v.object({ actual_fee: v.object({ amount: Amount }) });

/** What the chain itself says of one account that was paid. */
export interface AccountOnChain {
  /** Transaction that paid it last; undefined when none of the newest blocks has one. */
  readonly transaction: string | undefined;
  /** Base units of the token that it holds. */
  readonly balance: bigint;
  /** Fri that the account itself paid for these transactions: nothing where somebody else sent them. */
  readonly feesPaid: bigint;
}

/** Asks the node, and neither ledger nor settlement, how an account was paid. Throws `node-unavailable`, `bad-node-answer`, or the node's refusal. */
export async function accountOnChain({ rpc: url, token, store }: ChainDoor, account: string): Promise<AccountOnChain> {
  const rpc = new NodeRpc(url);
  const payee = v.parse(FeltSchema, account);
  const newest = await rpc.call('starknet_blockNumber', {}, v.number());
  const filter = { from_block: { block_number: Math.max(0, newest - LOOK_BACK) }, to_block: 'latest', address: token, keys: [[selectorOf('Transfer')], [store], [payee]], chunk_size: MOST_TRANSFERS };
  const { events } = await rpc.call('starknet_getEvents', { filter }, Events);
  const [low = 0n, high = 0n] = await rpc.call('starknet_call', { request: { contract_address: token, entry_point_selector: selectorOf('balance_of'), calldata: [payee] }, block_id: 'latest' }, v.array(Amount));
  let feesPaid = 0n;
  for (const { transaction_hash } of events) {
    const { sender_address: sender } = await rpc.call('starknet_getTransactionByHash', { transaction_hash }, Sent);
    if (sender === payee) feesPaid += (await rpc.call('starknet_getTransactionReceipt', { transaction_hash }, Fee)).actual_fee.amount;
  }
  return { transaction: events.at(-1)?.transaction_hash, balance: low + (high << 128n), feesPaid };
}
