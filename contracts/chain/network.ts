import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ChainError } from './chain-error.ts';
import { DevnetOptions } from './devnet.ts';
import { felt } from './felts.ts';
import type { Felt } from './felts.ts';

const NETWORKS = join(import.meta.dirname, '..', 'networks');

const Address = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,64}$/i, 'not an address'), v.transform((value): Felt => felt(value)), v.check((value) => value !== '0x0', 'the zero address'));
const Amount = v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,38}$/, 'not a positive amount in base units'), v.transform((value): bigint => BigInt(value)));
const Seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const BasisPoints = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(10_000));

/** Who has a role: an address, one that the environment names, or one of a devnet's accounts by its place. */
const Holder = v.union([Address, v.strictObject({ env: v.pipe(v.string(), v.regex(/^CIRO_[A-Z_]+$/)) }), v.strictObject({ predeployed: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })]);
export type Holder = v.InferOutput<typeof Holder>;

/** A chain, and everything that is decided for it: a file of contracts/networks. Times in seconds, amounts in base units. */
export const Network = v.strictObject({
  name: v.string(),
  chainId: v.picklist(['SN_SEPOLIA', 'SN_MAIN']),
  /** Where its node listens; `CIRO_RPC` replaces it. A devnet's is started and names its own. */
  rpc: v.optional(v.pipe(v.string(), v.url())),
  devnet: v.optional(DevnetOptions),
  roles: v.strictObject({
    relayer: Holder,
    settler: Holder,
    coordinator: Holder,
    guardian: Holder,
    signers: v.pipe(v.array(Holder), v.minLength(1)),
    arbiters: v.pipe(v.array(Holder), v.minLength(1)),
  }),
  tokens: v.strictObject({ stake: Address }),
  /** CIRO: who holds what there is at the beginning. */
  token: v.strictObject({ cap: Amount, initial: Amount, recipient: v.union([v.literal('treasury'), Holder]) }),
  treasury: v.strictObject({
    threshold: Count,
    /** Delay while it takes over the contracts, and afterwards. */
    handoverDelay: Seconds,
    delay: Seconds,
    grace: Seconds,
  }),
  store: v.strictObject({ challengeWindow: Seconds, maxHold: Seconds }),
  jobs: v.strictObject({ refundGrace: Seconds, disputeWindow: Seconds }),
  pool: v.strictObject({ minStake: Amount, coolDown: Seconds, payoutDelay: Seconds, inactiveAfter: Seconds }),
  court: v.strictObject({
    bond: Amount,
    responseWindow: Seconds,
    voteWindow: Seconds,
    quorum: Count,
    capCaseBps: BasisPoints,
    capEpoch: Amount,
    challengerBps: BasisPoints,
    burnBps: BasisPoints,
  }),
  paymaster: v.strictObject({ maxCalls: Count, perAccountDay: Count, perDay: Count }),
});
export type Network = v.InferOutput<typeof Network>;

/** Names of the networks that have a file. */
export const NETWORK_NAMES = ['devnet', 'sepolia', 'mainnet'] as const;
export type NetworkName = (typeof NETWORK_NAMES)[number];

/** @throws ChainError `bad-network` naming the field */
export async function readNetwork(name: NetworkName, folder: string = NETWORKS): Promise<Network> {
  const path = join(folder, `${name}.json`);
  const parsed = v.safeParse(Network, JSON.parse(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new ChainError('bad-network', `${path}: ${v.getDotPath(issue) ?? 'the whole file'}: ${issue.message}`, { fault: 'user', fields: { path } });
}

/**
 * Address of whoever has a role.
 * @param predeployed accounts of a devnet
 * @throws ChainError `missing-role` naming the setting
 */
export function addressOfHolder(holder: Holder, role: string, env: NodeJS.ProcessEnv, predeployed: readonly { readonly address: Felt }[]): Felt {
  if (typeof holder === 'string') return holder;
  if ('predeployed' in holder) {
    const account = predeployed[holder.predeployed];
    if (account === undefined) throw new ChainError('missing-role', `The ${role} is account ${holder.predeployed} of a devnet, which has ${predeployed.length}.`, { fault: 'user', fields: { role } });
    return account.address;
  }
  const parsed = v.safeParse(Address, env[holder.env]);
  if (!parsed.success) throw new ChainError('missing-role', `The ${role} of this network is whoever ${holder.env} names, and it names ${env[holder.env] === undefined || env[holder.env] === '' ? 'nobody' : 'no address'}. Set it to the account's address (0x…).`, { fault: 'user', fields: { role, env: holder.env } });
  return parsed.output;
}
