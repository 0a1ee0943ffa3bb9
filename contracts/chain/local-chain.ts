/** A devnet with everything deployed on it: for `npm start`, `npm run chain`, tests and benchmarks. */
import { deploy } from './deploy.ts';
import { restart, startDevnet } from './devnet.ts';
import { fundStore } from './fund-store.ts';
import { ChainError } from './chain-error.ts';
import { keepBlocks } from './keep-blocks.ts';
import { readNetwork } from './network.ts';
import { planDeployment, readClasses, resolveRoles } from './plan.ts';
import { ChainClient } from './starknet.ts';
import type { Keys } from './account.ts';
import type { StepReport } from './deploy.ts';
import type { Devnet } from './devnet.ts';
import type { Felt } from './felts.ts';
import type { Network } from './network.ts';
import type { Plan } from './plan.ts';

/** A node that runs, and what is to be deployed on it: addresses and keys are known before anything is. */
export interface StartedChain extends AsyncDisposable {
  readonly devnet: Devnet;
  readonly chain: ChainClient;
  readonly plan: Plan;
  /** Keys of a devnet's account. @throws ChainError `missing-role` for another address */
  keysOf(address: Felt): Keys;
  /** Deploys what is missing: everything the first time. */
  deploy(dryRun?: boolean): Promise<StepReport[]>;
  /** Funds the settlement contract, and gives the chain blocks from now on: for chains that somebody works with. */
  serve(): Promise<StepReport>;
  /** Takes the chain back to its beginning: nothing is deployed, and every address is as before. */
  beginAnew(): Promise<void>;
}

export interface LocalChain extends StartedChain {
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
  /** Changes what the devnet is deployed with, for a test; `planned` is where everything would be without the change. */
  readonly change?: (network: Network, planned: Plan) => Network;
  readonly report?: (step: StepReport) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Starts a node and deploys. @throws ChainError as `startDevnet` and `deploy` do */
export async function openLocalChain({ dryRun = false, ...options }: LocalChainOptions): Promise<LocalChain> {
  const started = await startLocalChain(options);
  try {
    return { ...started, steps: await started.deploy(dryRun), deployAgain: () => started.deploy() };
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts a node, which takes a second; deploying takes some fifteen. @throws ChainError as `startDevnet` does */
export async function startLocalChain({ binary, port = 0, change, report, signal }: Omit<LocalChainOptions, 'dryRun'>): Promise<StartedChain> {
  const network = await readNetwork('devnet');
  if (network.devnet === undefined) throw new ChainError('bad-network', 'contracts/networks/devnet.json has no part `devnet`.', { fault: 'user' });
  const devnet = await startDevnet(binary, network.devnet, port, signal);
  try {
    const chain = await ChainClient.connect({ rpc: devnet.rpc, chainId: network.chainId, local: true, signal });
    const [deployer] = devnet.accounts;
    if (deployer === undefined) throw new ChainError('missing-role', 'The devnet has no account to deploy with.', { fault: 'user' });
    const roles = resolveRoles(network, deployer.address, {}, devnet.accounts);
    const classes = await readClasses();
    const planned = planDeployment(network, classes, roles, {}, devnet.accounts);
    const plan = change === undefined ? planned : planDeployment(change(network, planned), classes, roles, {}, devnet.accounts);
    const keysOf = (address: Felt): Keys => {
      const found = devnet.accounts.find((each) => each.address === address);
      if (found === undefined) throw new ChainError('missing-role', `${address} is no account of this devnet.`, { fault: 'bug', fields: { address } });
      return found;
    };
    let over = new AbortController();
    return {
      devnet,
      chain,
      plan,
      keysOf,
      deploy: (dryRun = false) => deploy({ chain, plan, deployer, signers: devnet.accounts, dryRun, signal, ...(report && { report }) }),
      async serve() {
        const step = await fundStore(chain, plan, keysOf(plan.roles.settler));
        report?.(step);
        void keepBlocks(chain, signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]));
        return step;
      },
      async beginAnew() {
        over.abort();
        over = new AbortController();
        await restart(devnet.rpc);
      },
      async [Symbol.asyncDispose]() {
        over.abort();
        await devnet[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await devnet[Symbol.asyncDispose]();
    throw error;
  }
}
