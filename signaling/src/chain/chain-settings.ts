import { readFile } from 'node:fs/promises';
import { shortString } from 'starknet';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';
import { ACCOUNT_CLASS_HASH } from '@ciro/core/settlement/payout-address.ts';
import { ChainDoor, PublicDoor } from '@ciro/core/sponsorship/chain-door.ts';
import { readRelayerSettings } from './relayer-settings.ts';
import type { CommitmentStoreOptions } from './commitment-store.ts';
import type { RelayerSettings } from './relayer-settings.ts';

/** `bad-file`: the file of the chain is there and cannot be used. `no-chain`: no file names a chain that answers. `no-key`: nobody gave the settler's key. */
export class ChainSettingsError extends CiroError<'bad-file' | 'no-chain' | 'no-key'> {}

const ANSWER_TIMEOUT_MS = 10_000;
/** A block of a devnet is there with its transaction, and none is ever taken back. */
const DEVNET_CONFIRMATIONS = 0;
/** Its node is of this machine, its keys are public, and it begins anew with its process. */
const LOCAL = 'devnet';

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/));
/** What the coordinator reads of the file that `npm run chain` writes. */
const ChainFile = v.looseObject({
  network: v.string(),
  rpc: v.pipe(v.string(), v.url()),
  /** As SN_SEPOLIA. */
  chainId: v.pipe(v.string(), v.regex(/^[A-Z0-9_]{1,31}$/)),
  addresses: v.looseObject({ CiroToken: Felt, CommitmentStore: Felt, CdcPool: Felt, JobManager: Felt, DisputeCourt: Felt, Paymaster: Felt }),
  classHashes: v.looseObject({ CommitmentStore: Felt }),
  tokens: v.looseObject({ stake: Felt }),
  roles: v.looseObject({ settler: Felt, relayer: Felt, coordinator: Felt }),
});
export type ChainFile = v.InferOutput<typeof ChainFile>;
const Predeployed = v.looseObject({ result: v.array(v.looseObject({ address: Felt, private_key: Felt })) });

/** Everything that a coordinator needs to work with a chain. */
export interface ChainSettings {
  readonly settlement: CommitmentStoreOptions & { readonly pool: string };
  readonly door: ChainDoor;
  /** What clients are told: the same with a node that anybody may use. Without one on a network whose operator names none, because the address of its own may hold a key. */
  readonly publicDoor: PublicDoor;
  readonly local: boolean;
  /** Who pays for workers' actions; undefined where nobody does. */
  readonly relayer: RelayerSettings | undefined;
}

/** The contracts that a file names (`.ciro/chain.json`); undefined when there is no such file. Throws ChainSettingsError `bad-file`. */
export async function readChainFile(path: string): Promise<ChainFile | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), ChainFile), text);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new ChainSettingsError('bad-file', `${path} does not name the contracts of a chain (${v.getDotPath(issue) ?? 'the file'}: ${issue.message}); \`npm run chain\` writes it, or move it away to go on without a chain`, { fault: 'user', fields: { path } });
}

export const isLocal = ({ network }: ChainFile): boolean => network === LOCAL;

/**
 * The settings of a chain's file, with the settler's key from `CIRO_SETTLER_KEY` and the relayer's as `readRelayerSettings` says, or from the
 * node when it is a devnet, whose keys are public. Throws ChainSettingsError, RelayerSettingsError.
 */
export async function chainSettingsOf(file: ChainFile, env: NodeJS.ProcessEnv): Promise<ChainSettings> {
  const { network, rpc, chainId, addresses, roles, tokens } = file;
  const local = isLocal(file);
  const id = shortString.encodeShortString(chainId);
  const keys = local ? await keysOfDevnet(rpc) : new Map<bigint, string>();
  const given = env['CIRO_SETTLER_KEY'];
  if (given !== undefined && given !== '' && !v.is(Felt, given)) throw new ChainSettingsError('no-key', 'CIRO_SETTLER_KEY is not a Stark private key in 0x hex', { fault: 'user' });
  const privateKey = given === undefined || given === '' ? keys.get(BigInt(roles.settler)) : given;
  if (privateKey === undefined) {
    throw new ChainSettingsError('no-key', `the contracts of ${network} are settled by ${roles.settler}, and nobody gave its key: set CIRO_SETTLER_KEY${local ? `; the node at ${rpc} is no devnet that knows it, or does not answer` : ', or move .ciro/chain.json away to go on with the ledger alone'}`, { fault: 'user', fields: { settler: roles.settler, rpc } });
  }
  const { CiroToken: token, CommitmentStore: store, CdcPool: pool, JobManager: jobManager, DisputeCourt: court, Paymaster: forwarder } = addresses;
  const door = v.safeParse(ChainDoor, { network, chainId: id, rpc, token, store, pool, jobManager, court, forwarder, accountClass: ACCOUNT_CLASS_HASH, stakeToken: tokens.stake });
  if (!door.success) throw new ChainSettingsError('bad-file', `the chain's file names what clients cannot use (${v.getDotPath(door.issues[0]) ?? 'the file'}: ${door.issues[0].message}); \`npm run chain\` writes it anew`, { fault: 'user' });
  const publicRpc = env['CIRO_PUBLIC_RPC'] || (local ? rpc : undefined);
  const publicDoor = v.safeParse(PublicDoor, { ...door.output, rpc: publicRpc });
  if (!publicDoor.success) throw new ChainSettingsError('bad-file', 'CIRO_PUBLIC_RPC is not the http or https address of a node', { fault: 'user' });
  return {
    settlement: { rpc, chainId: id, store, pool, settler: { address: roles.settler, privateKey }, ...(local ? { confirmations: DEVNET_CONFIRMATIONS } : {}) },
    door: door.output,
    publicDoor: publicDoor.output,
    local,
    relayer: readRelayerSettings(env, { rpc, door: door.output, local, own: { address: roles.relayer, privateKey: keys.get(BigInt(roles.relayer)) } }),
  };
}

/** Keys of the accounts that a devnet holds money in, by address; none from any other node. */
export async function keysOfDevnet(rpc: string): Promise<Map<bigint, string>> {
  try {
    const response = await fetch(rpc, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_getPredeployedAccounts', params: {} }), signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    return new Map(v.parse(Predeployed, await response.json()).result.map(({ address, private_key: key }) => [BigInt(address), key]));
  } catch {
    return new Map(); // no devnet, or no node: the caller says so
  }
}
