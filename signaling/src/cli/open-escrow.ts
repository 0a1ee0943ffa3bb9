import { textFelt } from '@ciro/contracts/chain/felts.ts';
import { formatCredits } from '@ciro/core/units.ts';
import { devnetAccounts } from '../chain/devnet-accounts.ts';
import type { ChainFile } from '../chain/chain-settings.ts';
import type { EscrowEvent } from '../escrow/ports.ts';
import type { EscrowOptions } from '../open-escrows.ts';

/** A block of a devnet is there with its transaction, and none is ever taken back. */
const DEVNET_CONFIRMATIONS = 0;

/**
 * The JobManager that a chain's file names, with the coordinator's key from `CIRO_COORDINATOR_KEY` or from a devnet, whose keys are public. Undefined
 * without the key: then no escrow is served, and one line says so. `ready`: a chain whose contracts are on their way.
 */
export async function openEscrow({ rpc, chainId, addresses, roles }: ChainFile, env: NodeJS.ProcessEnv, report: (line: string) => void, ready?: Promise<unknown>): Promise<EscrowOptions | undefined> {
  const given = env['CIRO_COORDINATOR_KEY'];
  const own = given === undefined || given === '' ? undefined : given;
  const predeployed = await devnetAccounts(rpc);
  const privateKey = own ?? predeployed.find(({ address }) => BigInt(address) === BigInt(roles.coordinator))?.privateKey;
  if (privateKey === undefined) {
    report(`no escrows are served: CIRO_COORDINATOR_KEY does not give the key of coordinator ${roles.coordinator}`);
    return undefined;
  }
  report(`jobs funded in contract ${addresses.JobManager} are served`);
  return {
    rpc,
    chainId: textFelt(chainId),
    jobManager: addresses.JobManager,
    store: addresses.CommitmentStore,
    sender: { address: roles.coordinator, privateKey },
    ...(predeployed.length > 0 ? { devnet: true, confirmations: DEVNET_CONFIRMATIONS } : {}),
    registerModels: true,
    ...(ready && { ready }),
    onEscrow: (event) => report(`escrow: ${escrowLine(event)}`),
  };
}

/** An event of an escrow for a person. Tokens have the decimals of credits. */
export function escrowLine(event: EscrowEvent): string {
  const { escrow } = event;
  switch (event.type) {
    case 'accepted':
    case 'started':
    case 'dropped':
      return `${escrow} ${event.type}, for job ${event.job}`;
    case 'answered':
      return `${escrow} answered by job ${event.job}, which used ${formatCredits(event.used)}`;
    case 'sent':
      return `${escrow}: ${event.step} in transaction ${event.transaction}`;
    case 'settled':
      return `${escrow} settled: ${formatCredits(event.used)} to the workers' store, ${formatCredits(event.returned)} back to its client`;
    case 'refunded':
      return `${escrow} refunded: ${formatCredits(event.returned)} back to its client`;
  }
}
