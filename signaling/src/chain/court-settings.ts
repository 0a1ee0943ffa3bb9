import { readFile } from 'node:fs/promises';
import { shortString } from 'starknet';
import * as v from 'valibot';
import { ChainSettingsError, keyOfDevnet } from './chain-settings.ts';
import { hexOf } from './contract-caller.ts';
import type { AccountKeys } from './contract-caller.ts';

/** A block of a devnet is there with its transaction, and none is ever taken back. */
const DEVNET_CONFIRMATIONS = 0;
const CONFIRMATIONS = 10;

const Felt = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/));
/** What disputes read of the file that `npm run chain` writes. */
const ChainFile = v.looseObject({
  network: v.string(),
  rpc: v.pipe(v.string(), v.url()),
  /** As SN_SEPOLIA. */
  chainId: v.pipe(v.string(), v.regex(/^[A-Z0-9_]{1,31}$/)),
  addresses: v.looseObject({ CommitmentStore: Felt, CdcPool: Felt, DisputeCourt: Felt }),
  roles: v.looseObject({ coordinator: Felt, settler: Felt }),
});

/** Where court, pool and epochs are. */
export interface CourtSettings {
  readonly rpc: string;
  /** As a field element, 0x hex. */
  readonly chainId: string;
  readonly court: string;
  readonly pool: string;
  readonly store: string;
  /** Address of the coordinator's account. */
  readonly coordinator: string;
  /** Address of the settler's account, which holds a devnet's first tokens. */
  readonly settler: string;
  readonly confirmations: number;
}

/** Undefined when there is no such file. Throws ChainSettingsError `bad-file`. */
export async function readCourtSettings(path: string): Promise<CourtSettings | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), ChainFile), text);
  if (!parsed.success) throw new ChainSettingsError('bad-file', `${path} does not name a court and a pool (${parsed.issues[0].message}); \`npm run chain\` writes it`, { fault: 'user', fields: { path } });
  const { network, rpc, chainId, addresses, roles } = parsed.output;
  return {
    rpc, chainId: shortString.encodeShortString(chainId), court: hexOf(addresses.DisputeCourt), pool: hexOf(addresses.CdcPool), store: hexOf(addresses.CommitmentStore),
    coordinator: hexOf(roles.coordinator), settler: hexOf(roles.settler), confirmations: network === 'devnet' ? DEVNET_CONFIRMATIONS : CONFIRMATIONS,
  };
}

/** Keys of the coordinator's account, from `CIRO_COORDINATOR_KEY` or from a devnet, whose keys are public; undefined when neither gives them. */
export async function coordinatorKeys({ rpc, coordinator }: Pick<CourtSettings, 'rpc' | 'coordinator'>, env: NodeJS.ProcessEnv): Promise<AccountKeys | undefined> {
  const privateKey = keyOf(env, 'CIRO_COORDINATOR_KEY') ?? (await keyOfDevnet(rpc, coordinator));
  return privateKey === undefined ? undefined : { address: coordinator, privateKey };
}

/** Keys of an account of a devnet, whose keys are public; undefined from any other node. */
export async function devnetKeys(rpc: string, address: string): Promise<AccountKeys | undefined> {
  const privateKey = await keyOfDevnet(rpc, address);
  return privateKey === undefined ? undefined : { address, privateKey };
}

/** Who acts in court by hand: `CIRO_ACCOUNT_ADDRESS` with `CIRO_ACCOUNT_KEY`, which on a devnet may be left out; undefined without an address. */
export async function accountKeys({ rpc }: Pick<CourtSettings, 'rpc'>, env: NodeJS.ProcessEnv): Promise<AccountKeys | undefined> {
  const address = keyOf(env, 'CIRO_ACCOUNT_ADDRESS');
  if (address === undefined) return undefined;
  const privateKey = keyOf(env, 'CIRO_ACCOUNT_KEY') ?? (await keyOfDevnet(rpc, address));
  if (privateKey === undefined) throw new ChainSettingsError('no-key', `CIRO_ACCOUNT_ADDRESS is ${address}, and CIRO_ACCOUNT_KEY does not give its key`, { fault: 'user' });
  return { address: hexOf(address), privateKey };
}

function keyOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const given = env[name];
  if (given === undefined || given === '') return undefined;
  if (!v.is(Felt, given)) throw new ChainSettingsError('no-key', `${name} is no field element in 0x hex`, { fault: 'user' });
  return given;
}
