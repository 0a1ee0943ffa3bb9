import { HOW_TO_HAVE_A_DEVNET, findDevnet } from '@ciro/contracts/chain/find-devnet.ts';
import { cacheFolder } from '@ciro/signaling/models/cache-folder.ts';

/** Path of a devnet, or why tests against a real chain do not run here and what makes them run. Never fetches one. */
export async function devnetHere(): Promise<{ readonly binary: string } | { readonly missing: string }> {
  const found = await findDevnet(process.env, cacheFolder());
  return found ?? { missing: `NO REAL CHAIN: there is no starknet-devnet on this machine; ${HOW_TO_HAVE_A_DEVNET}` };
}
