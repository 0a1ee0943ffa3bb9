import { shortString } from 'starknet';
import * as v from 'valibot';
import { ChainSettingsError, keysOfDevnet, readChainFile } from './chain-settings.ts';
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
  /** A devnet: its keys are public. */
  readonly local: boolean;
  readonly confirmations: number;
}

/** Court and pool of a chain's file, as JSON has it. Throws ChainSettingsError `bad-file`. */
export function courtSettingsOf(file: unknown): CourtSettings {
  const parsed = v.safeParse(ChainFile, file);
  if (!parsed.success) throw new ChainSettingsError('bad-file', `the chain's file does not name a court and a pool (${v.getDotPath(parsed.issues[0]) ?? 'the file'}: ${parsed.issues[0].message}); \`npm run chain\` writes it`, { fault: 'user' });
  const { network, rpc, chainId, addresses, roles } = parsed.output;
  const local = network === 'devnet';
  return {
    rpc, chainId: shortString.encodeShortString(chainId), court: hexOf(addresses.DisputeCourt), pool: hexOf(addresses.CdcPool), store: hexOf(addresses.CommitmentStore),
    coordinator: hexOf(roles.coordinator), settler: hexOf(roles.settler), local, confirmations: local ? DEVNET_CONFIRMATIONS : CONFIRMATIONS,
  };
}

/** The same of the file itself. Throws ChainSettingsError `bad-file`, also when there is none. */
export async function readCourtSettings(path: string): Promise<CourtSettings> {
  const file = await readChainFile(path);
  if (file === undefined) throw new ChainSettingsError('bad-file', `there is no ${path}, which names court and pool; \`npm run chain\` writes it`, { fault: 'user' });
  return courtSettingsOf(file);
}

/** Keys of the coordinator's account, from `CIRO_COORDINATOR_KEY` or from a devnet; undefined when neither gives them. */
export async function coordinatorKeys(settings: CourtSettings, env: NodeJS.ProcessEnv): Promise<AccountKeys | undefined> {
  const privateKey = keyOf(env, 'CIRO_COORDINATOR_KEY');
  return privateKey === undefined ? devnetKeys(settings, settings.coordinator) : { address: settings.coordinator, privateKey };
}

/** Keys of an account of a devnet; undefined for any other. */
export async function devnetKeys({ rpc, local }: Pick<CourtSettings, 'rpc' | 'local'>, address: string): Promise<AccountKeys | undefined> {
  const privateKey = local ? (await keysOfDevnet(rpc)).get(BigInt(address)) : undefined;
  return privateKey === undefined ? undefined : { address, privateKey };
}

/** Who acts in court by hand: `CIRO_ACCOUNT_ADDRESS` with `CIRO_ACCOUNT_KEY`, which on a devnet may be left out; undefined without an address. */
export async function accountKeys(settings: Pick<CourtSettings, 'rpc' | 'local'>, env: NodeJS.ProcessEnv): Promise<AccountKeys | undefined> {
  const address = keyOf(env, 'CIRO_ACCOUNT_ADDRESS');
  if (address === undefined) return undefined;
  const privateKey = keyOf(env, 'CIRO_ACCOUNT_KEY') ?? (await devnetKeys(settings, address))?.privateKey;
  if (privateKey === undefined) throw new ChainSettingsError('no-key', `CIRO_ACCOUNT_ADDRESS is ${address}, and CIRO_ACCOUNT_KEY does not give its key`, { fault: 'user' });
  return { address: hexOf(address), privateKey };
}

function keyOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const given = env[name];
  if (given === undefined || given === '') return undefined;
  if (!v.is(Felt, given)) throw new ChainSettingsError('no-key', `${name} is no field element in 0x hex`, { fault: 'user' });
  return given;
}
