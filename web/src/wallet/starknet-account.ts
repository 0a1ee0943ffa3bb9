import { Account, PaymasterRpc, RpcError, RpcProvider } from 'starknet';
import * as v from 'valibot';
import { payoutAddress } from '@ciro/core/settlement/payout-address.ts';
import { parseOutsideExecution } from './check-outside-execution.ts';
import { checkedPaymaster } from './checked-paymaster.ts';
import { ClaimError } from './claim-error.ts';
import { PaymasterError } from './paymaster-error.ts';
import type { PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import type { Call, SignerInterface, TypedData } from 'starknet';
import type { AccountOnChain, SponsoredReceipt } from './claim-ports.ts';
import type { OutsideExecution } from './outside-execution-hash.ts';

/** A node or paymaster on a busy machine answers within seconds. */
const ANSWER_MS = 30_000;
/** Between looks at a transaction: from the first to the longest. A local chain has its block at once, a public one after some seconds. */
const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 2_000;
/** A transaction that is in no block by then is looked for no more; a later claim finds out whether it was paid. */
const LOOK_FOR_MS = 180_000;
/** JSON-RPC code that stands for a node that was not reached; no node gives it. */
const NOT_REACHED = -32_099;
/** What a node says of a transaction that it does not know yet. */
const UNKNOWN_TRANSACTION = 'TXN_HASH_NOT_FOUND';
const NO_CONTRACT = 'CONTRACT_NOT_FOUND';
/** How a sponsor refuses what it may take a little later. */
const BUSY = /^(gas-spike|queue-full|no-sender|node-unavailable|upstream-unavailable)\b/;
/** `EpochState::Final` of the contract. */
const FINAL = 3n;

/** As the pool counts them. */
const TIERS = ['unknown', 'newcomer', 'staked'] as const;

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/i), v.transform((text) => BigInt(text)));
const Receipt = v.object({ execution_status: v.string(), finality_status: v.string(), revert_reason: v.optional(v.string()), actual_fee: v.object({ amount: Felt }) });
const Sender = v.object({ sender_address: Felt });
const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

export interface StarknetAccountOptions {
  readonly door: PublicDoor;
  readonly identityPublicKey: string;
  /** JSON-RPC of a node of that chain, and of the paymaster. */
  readonly node: string;
  readonly paymaster: string;
  /** Signs an action of this identity's account (r, s). */
  readonly sign: (execution: OutsideExecution, account: string) => Promise<[string, string]>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly fetch: typeof fetch;
}

/** An identity's account on its chain, by starknet.js (SPEC Y4, Y8). Throws `wrong-chain` when node and door do not belong together. */
export async function openStarknetAccount({ door, identityPublicKey, node, paymaster, sign, now, fetch: fetcher }: StarknetAccountOptions): Promise<AccountOnChain> {
  const baseFetch = reaching(fetcher);
  const provider = new RpcProvider({ nodeUrl: node, baseFetch });
  const address = payoutAddress(identityPublicKey);
  const view = async (contractAddress: string, entrypoint: string, calldata: string[], least: number): Promise<bigint[]> => {
    const felts = v.safeParse(v.pipe(v.array(Felt), v.minLength(least)), await asked(entrypoint, () => provider.callContract({ contractAddress, entrypoint, calldata }, 'latest')));
    if (!felts.success) throw new ClaimError('bad-answer', `${entrypoint} of ${contractAddress} answered no ${least} field elements`, { fault: 'platform' });
    return felts.output;
  };

  const [chainId, [token]] = await Promise.all([asked('its chain', () => provider.getChainId()), view(door.store, 'token', [], 1)]);
  if (BigInt(chainId) !== BigInt(door.chainId)) throw new ClaimError('wrong-chain', `the node is on chain ${chainId}, and the coordinator names ${door.chainId}`, { fault: 'peer' });
  if (token !== BigInt(door.token)) throw new ClaimError('wrong-chain', `the settlement contract pays in token ${hex(token ?? 0n)}, and the coordinator names ${door.token}`, { fault: 'peer' });

  const signer = new OutsideSigner(identityPublicKey, sign);
  const deploymentData = { address, class_hash: door.accountClass, salt: identityPublicKey, calldata: [identityPublicKey], version: 1 as const };
  const act = async (calls: Call[], ticket: string | undefined): Promise<string> => {
    const account = new Account({ provider, address, signer });
    const rpc = new PaymasterRpc({ nodeUrl: paymaster, baseFetch, headers: ticket === undefined ? {} : { 'x-ciro-ticket': ticket } });
    account.paymaster = checkedPaymaster(rpc, { forwarder: door.forwarder, chainId: door.chainId, now });
    const { transaction_hash } = await asked('the action', () => account.executePaymasterTransaction(calls, { feeMode: { mode: 'sponsored' }, ...(ticket === undefined ? {} : { deploymentData }) }));
    return transaction_hash;
  };

  const receiptOf = async (transaction: string): Promise<SponsoredReceipt | undefined> => {
    try {
      const { value } = await provider.getTransactionReceipt(transaction);
      const placed = v.safeParse(Receipt, value);
      if (!placed.success || !placed.output.finality_status.startsWith('ACCEPTED')) return undefined;
      const { execution_status: status, revert_reason: reason = '', actual_fee: fee } = placed.output;
      const { sender_address: sponsor } = v.parse(Sender, await provider.getTransactionByHash(transaction));
      return { succeeded: status === 'SUCCEEDED', reason: /CIRO-[A-Z]{2}: [a-z ]+/.exec(reason)?.[0] ?? reason.slice(-200), sponsor: hex(sponsor), feeFri: fee.amount };
    } catch (error) {
      if (error instanceof RpcError && (error.isType(UNKNOWN_TRANSACTION) || Number(error.code) === NOT_REACHED)) return undefined;
      throw claimErrorOf('the receipt', error);
    }
  };

  return {
    async epoch(number) {
      const [[root = 0n, , , depth = 0n, , , state], [claimable]] = await Promise.all([view(door.store, 'epoch_info', [hex(number)], 7), view(door.store, 'is_claimable', [hex(number)], 1)]);
      return { root, depth: Number(depth), claimable: claimable === 1n && state === FINAL };
    },
    paid: async () => (await view(door.store, 'paid_of', [address], 1))[0] ?? 0n,
    async tokens() {
      const [low = 0n, high = 0n] = await view(door.token, 'balance_of', [address], 2);
      return low + (high << 128n);
    },
    isDeployed: () =>
      asked('the account', async () => {
        try {
          return BigInt(await provider.getClassHashAt(address, 'latest')) !== 0n;
        } catch (error) {
          if (error instanceof RpcError && error.isType(NO_CONTRACT)) return false;
          throw error;
        }
      }),
    pool: {
      async place() {
        const [[, , , , stake = 0n, cooling = 0n, readyAt, bond = 0n], [tier], [active], [minStake = 0n], [coolDown], [low = 0n, high = 0n]] = await Promise.all([
          view(door.pool, 'worker', [address], 10), view(door.pool, 'tier_of', [address], 1), view(door.pool, 'is_active', [address], 1), view(door.pool, 'min_stake', [], 1), view(door.pool, 'cool_down', [], 1), view(door.stakeToken, 'balance_of', [address], 2),
        ]);
        return { tier: TIERS[Number(tier)] ?? 'unknown', active: active === 1n, stake, cooling, readyAt: Number(readyAt), bond, minStake, coolDown: Number(coolDown), funds: low + (high << 128n) };
      },
      act: (calls, ticket) => act(calls.map((call) => ({ ...call })), ticket),
    },
    claim: ({ epoch, index, account, cumulative, proof }, ticket) => {
      const calldata = [epoch, index, BigInt(account), cumulative, proof.length, ...proof].map(hex);
      return act([{ contractAddress: door.store, entrypoint: 'claim', calldata }], ticket);
    },
    async receipt(transaction, signal) {
      const until = now() + LOOK_FOR_MS;
      for (let pause = FIRST_LOOK_MS; now() < until && !signal.aborted; pause = Math.min(LONGEST_LOOK_MS, pause * 2)) {
        const receipt = await receiptOf(transaction);
        if (receipt !== undefined) return receipt;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      if (signal.aborted) throw new ClaimError('stopped', `nobody waits for transaction ${transaction} any more`, { fault: 'abort', fields: { transaction } });
      throw new ClaimError('not-in-block', `transaction ${transaction} is in no block after ${LOOK_FOR_MS / 60_000} minutes`, { fault: 'timeout', fields: { transaction } });
    },
  };
}

/** The vault's signature for starknet.js: outside executions of the own account, and nothing else. */
class OutsideSigner implements SignerInterface {
  readonly #publicKey: string;
  readonly #sign: StarknetAccountOptions['sign'];

  constructor(publicKey: string, sign: StarknetAccountOptions['sign']) {
    this.#publicKey = publicKey;
    this.#sign = sign;
  }

  getPubKey(): Promise<string> {
    return Promise.resolve(this.#publicKey);
  }

  signMessage(typedData: TypedData, account: string): Promise<[string, string]> {
    return this.#sign(parseOutsideExecution(typedData), hex(BigInt(account)));
  }

  signTransaction(): Promise<never> {
    return refuseToSign();
  }

  signDeployAccountTransaction(): Promise<never> {
    return refuseToSign();
  }

  signDeclareTransaction(): Promise<never> {
    return refuseToSign();
  }
}

const refuseToSign = (): Promise<never> => Promise.reject(new ClaimError('paymaster-lied', 'a worker signs no transaction of its own: its actions are sponsored', { fault: 'bug' }));

/** starknet.js keeps nothing of what a network failure was but its text: an error of JSON-RPC comes through whole. */
function reaching(fetcher: typeof fetch): typeof fetch {
  const notReached = (what: string): Response => new Response(JSON.stringify({ jsonrpc: '2.0', id: 0, error: { code: NOT_REACHED, message: what } }));
  return async (input, init) => {
    try {
      const response = await fetcher(input, { ...init, signal: AbortSignal.timeout(ANSWER_MS) });
      return response.ok ? response : notReached(`status ${response.status}`);
    } catch (error) {
      return notReached(error instanceof Error ? error.message : String(error));
    }
  };
}

async function asked<Value>(what: string, request: () => Promise<Value>): Promise<Value> {
  try {
    return await request();
  } catch (error) {
    throw claimErrorOf(what, error);
  }
}

function claimErrorOf(what: string, cause: unknown): ClaimError {
  if (cause instanceof ClaimError) return cause;
  if (cause instanceof PaymasterError) return new ClaimError('paymaster-lied', cause.message, { fault: 'peer', cause });
  if (!(cause instanceof RpcError)) return new ClaimError('bad-answer', `${what}: ${cause instanceof Error ? cause.message : String(cause)}`.slice(0, 300), { fault: 'peer', cause });
  const { code, message, data } = cause.baseError as { code: number; message: string; data?: unknown };
  if (code === NOT_REACHED) return new ClaimError('unreachable', `${what}: there was no answer (${message})`.slice(0, 300), { fault: 'platform', cause });
  const said = typeof data === 'string' ? data : typeof data === 'object' && data !== null ? JSON.stringify(data) : message;
  return new ClaimError('refused', `${what} was refused: ${said}`.slice(0, 300), { fault: 'platform', fields: { retry: BUSY.test(said) }, cause });
}
