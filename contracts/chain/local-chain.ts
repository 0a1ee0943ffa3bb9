/** A devnet with everything deployed on it: for `npm run chain`, tests and benchmarks. */
import { deploy } from './deploy.ts';
import { startDevnet } from './devnet.ts';
import { ChainError } from './chain-error.ts';
import { readNetwork } from './network.ts';
import { planDeployment, readClasses, resolveRoles } from './plan.ts';
import { ChainClient } from './starknet.ts';
import type { Keys } from './account.ts';
import type { StepReport } from './deploy.ts';
import type { Devnet } from './devnet.ts';
import type { Felt } from './felts.ts';
import type { Plan } from './plan.ts';

export interface LocalChain extends AsyncDisposable {
  readonly devnet: Devnet;
  readonly chain: ChainClient;
  readonly plan: Plan;
  /** Keys of a devnet's account. @throws ChainError `missing-role` for another address */
  keysOf(address: Felt): Keys;
  /** Steps of the deployment. */
  readonly steps: readonly StepReport[];
  /** Deploys what is missing, once more: nothing, unless the chain changed. */
  deployAgain(): Promise<StepReport[]>;
}

export interface LocalChainOptions {
  readonly binary: string;
  /** 0: a free one. */
  readonly port?: number;
  readonly dryRun?: boolean;
  readonly report?: (step: StepReport) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Starts a node and deploys. @throws ChainError as `startDevnet` and `deploy` do */
export async function openLocalChain({ binary, port = 0, dryRun = false, report, signal }: LocalChainOptions): Promise<LocalChain> {
  const network = await readNetwork('devnet');
  if (network.devnet === undefined) throw new ChainError('bad-network', 'contracts/networks/devnet.json has no part `devnet`.', { fault: 'user' });
  const devnet = await startDevnet(binary, network.devnet, port, signal);
  try {
    const chain = await ChainClient.connect({ rpc: devnet.rpc, chainId: network.chainId, local: true, signal });
    const [deployer] = devnet.accounts;
    if (deployer === undefined) throw new ChainError('missing-role', 'The devnet has no account to deploy with.', { fault: 'user' });
    const roles = resolveRoles(network, deployer.address, {}, devnet.accounts);
    const plan = planDeployment(network, await readClasses(), roles, {}, devnet.accounts);
    const run = (dry: boolean): Promise<StepReport[]> => deploy({ chain, plan, deployer, signers: devnet.accounts, dryRun: dry, signal, ...(report && { report }) });
    const keysOf = (address: Felt): Keys => {
      const found = devnet.accounts.find((each) => each.address === address);
      if (found === undefined) throw new ChainError('missing-role', `${address} is no account of this devnet.`, { fault: 'bug', fields: { address } });
      return found;
    };
    return { devnet, chain, plan, keysOf, steps: await run(dryRun), deployAgain: () => run(false), [Symbol.asyncDispose]: () => devnet[Symbol.asyncDispose]() };
  } catch (error) {
    await devnet[Symbol.asyncDispose]();
    throw error;
  }
}
