import { readChainFile } from '@ciro/contracts/chain/chain-file.ts';
import { textFelt } from '@ciro/contracts/chain/felts.ts';
import { JobManager } from '../chain/job-manager.ts';
import { devnetAccounts } from '../chain/devnet-accounts.ts';
import { usage } from './job-options.ts';
import { ESCROW_USAGE } from './escrow-options.ts';
import type { AccountKeys } from '../chain/devnet-accounts.ts';

/** A requester at the contracts: its account, and the contract over it. Needs a node and no coordinator. */
export interface EscrowAccount {
  readonly contract: JobManager;
  readonly account: AccountKeys;
  readonly token: string;
  readonly chainId: string;
  readonly forwarder: string;
  /** On a devnet whose accounts everybody has: the one that holds most of a token may give of it. */
  readonly devnet: boolean;
  readonly keysOfAll: readonly AccountKeys[];
  /** The same contract over another account. */
  as(account: AccountKeys): JobManager;
}

/** The account of `CIRO_ACCOUNT_ADDRESS` with `CIRO_ACCOUNT_KEY`, or the last one of a devnet, which has no role. Throws `usage`, ChainError. */
export async function openAccount(path: string, env: NodeJS.ProcessEnv): Promise<EscrowAccount> {
  const file = await readChainFile(path);
  const rpc = env['CIRO_RPC'] || file.rpc;
  const chainId = textFelt(file.chainId);
  const { CIRO_ACCOUNT_ADDRESS: address, CIRO_ACCOUNT_KEY: privateKey } = env;
  const keysOfAll = await devnetAccounts(rpc);
  const own = address && privateKey ? { address, privateKey } : undefined;
  const account = own ?? keysOfAll.at(-1);
  if (account === undefined) throw usage(`whose job is it? Set CIRO_ACCOUNT_ADDRESS and CIRO_ACCOUNT_KEY to an account of ${file.chainId} (0x hex); ${rpc} is no devnet that gives one, or does not answer`, ESCROW_USAGE);
  for (const [name, value] of [['CIRO_ACCOUNT_ADDRESS', account.address], ['CIRO_ACCOUNT_KEY', account.privateKey]] as const) {
    if (!/^0x[0-9a-fA-F]{1,64}$/.test(value)) throw usage(`${name} is no field element in 0x hex`, ESCROW_USAGE);
  }
  const as = (sender: AccountKeys): JobManager => new JobManager({ rpc, chainId, jobManager: file.addresses.JobManager, sender, confirmations: 0, devnet: keysOfAll.length > 0 });
  return { contract: as(account), account, token: file.addresses.CiroToken, chainId, forwarder: file.addresses.Paymaster, devnet: keysOfAll.length > 0, keysOfAll, as };
}

/** The coordinator's account, which registers and revokes models: its key is `CIRO_COORDINATOR_KEY`, or a devnet's. Throws `usage`. */
export async function openOperator(path: string, env: NodeJS.ProcessEnv): Promise<EscrowAccount> {
  const { rpc, roles } = await readChainFile(path);
  const address = roles.coordinator;
  const privateKey = env['CIRO_COORDINATOR_KEY'] || (await devnetAccounts(env['CIRO_RPC'] || rpc)).find((each) => BigInt(each.address) === BigInt(address))?.privateKey;
  if (privateKey === undefined) throw usage(`CIRO_COORDINATOR_KEY does not give the key of ${address}, which revokes models`, ESCROW_USAGE);
  return openAccount(path, { ...env, CIRO_ACCOUNT_ADDRESS: address, CIRO_ACCOUNT_KEY: privateKey });
}
