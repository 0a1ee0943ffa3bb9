import { startDevnet } from '@ciro/contracts/chain/devnet.ts';
import { HOW_TO_HAVE_A_DEVNET, findDevnet } from '@ciro/contracts/chain/find-devnet.ts';
import { readNetwork } from '@ciro/contracts/chain/network.ts';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';
import type { Devnet } from '@ciro/contracts/chain/devnet.ts';

/** Path of a devnet, or why tests against a real chain do not run here and what makes them run. Never fetches one. */
export async function devnetHere(): Promise<{ readonly binary: string } | { readonly missing: string }> {
  const found = await findDevnet(process.env, cacheFolder());
  return found ?? { missing: `NO REAL CHAIN: there is no starknet-devnet on this machine; ${HOW_TO_HAVE_A_DEVNET}` };
}

/** A node on a free port on which nothing is deployed yet. */
export async function startBareDevnet(binary: string): Promise<Devnet> {
  const { devnet } = await readNetwork('devnet');
  if (devnet === undefined) throw new TypeError('contracts/networks/devnet.json has no part `devnet`');
  return startDevnet(binary, devnet);
}
