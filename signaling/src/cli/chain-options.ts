import { parseArgs } from 'node:util';
import { NETWORK_NAMES } from '@ciro/contracts/chain/network.ts';
import { number, usage } from './job-options.ts';
import type { NetworkName } from '@ciro/contracts/chain/network.ts';

/** Flags of `npm run chain`. */
export interface ChainOptions {
  readonly network: NetworkName;
  /** Ends after the smoke. */
  readonly once: boolean;
  /** Sends nothing: lists the steps and what they would cost. */
  readonly dryRun: boolean;
  /** Of a devnet. */
  readonly port: number;
}

/** Where devnets listen by themselves. */
const PORT = 5050;

export const CHAIN_USAGE = `npm run chain [-- --once] [--dry-run] [--port 5050] [--network ${NETWORK_NAMES.join('|')}]
  a local Starknet node with all contracts deployed and owned by the Treasury, and a relayer that pays for workers' actions; a new worker is
  paid on it from its key to its tokens, and then it begins anew; .ciro/chain.json says where everything is while it runs
  --once      ends when the worker was paid, and with it the node
  --dry-run   lists the steps and their estimated fees, and sends nothing
  --network   deploys on a network instead, from the account CIRO_DEPLOYER_ADDRESS with CIRO_DEPLOYER_KEY over CIRO_RPC
environment: CIRO_DEVNET_BIN, CIRO_DEVNET_SHA256, CIRO_CACHE; of a network the roles that contracts/networks names`;

/** Parses the flags; throws `usage` naming what is wrong. */
export function parseChainOptions(args: readonly string[]): ChainOptions {
  const values = parse(args);
  const network = NETWORK_NAMES.find((name) => name === (values.network ?? 'devnet'));
  if (network === undefined) throw usage(`--network is ${values.network}; expected ${NETWORK_NAMES.join(', ')}`, CHAIN_USAGE);
  if (network !== 'devnet' && values.port !== undefined) throw usage('--port is of a devnet; CIRO_RPC names the node of a network', CHAIN_USAGE);
  return { network, once: values.once ?? false, dryRun: values['dry-run'] ?? false, port: number({ port: values.port }, 'port', PORT, { least: 0, most: 65_535, whole: true }) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { once: { type: 'boolean' }, 'dry-run': { type: 'boolean' }, port: { type: 'string' }, network: { type: 'string' } } }).values;
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message : String(cause), CHAIN_USAGE);
  }
}
