import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ChainError } from './chain-error.ts';

/** The version whose compiled class hashes are in classes.lock.json: Starknet 0.14.2, RPC 0.10.2. */
export const DEVNET_VERSION = '0.8.2';
const NAME = process.platform === 'win32' ? 'starknet-devnet.exe' : 'starknet-devnet';

export interface FoundDevnet {
  readonly binary: string;
  readonly from: 'CIRO_DEVNET_BIN' | 'PATH' | 'the cache';
}

/** Where `npm run chain` keeps the node that it fetched or built. */
export const cachedDevnet = (cacheFolder: string): string => join(cacheFolder, 'devnet', DEVNET_VERSION, NAME);

/**
 * A devnet that is on this machine: the one that `CIRO_DEVNET_BIN` names (`none`: none at all), one on PATH or among cargo's, or the cache's.
 * @throws ChainError `no-devnet` when `CIRO_DEVNET_BIN` names something that cannot be run: what was asked for is not replaced silently
 */
export async function findDevnet(env: NodeJS.ProcessEnv, cacheFolder: string): Promise<FoundDevnet | undefined> {
  const named = env['CIRO_DEVNET_BIN'];
  if (named === 'none') return undefined;
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return { binary: named, from: 'CIRO_DEVNET_BIN' };
    throw new ChainError('no-devnet', `CIRO_DEVNET_BIN names ${named}, which is no file that can be run. Name a starknet-devnet ${DEVNET_VERSION} or unset it.`, { fault: 'user', fields: { named } });
  }
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), join(env['CARGO_HOME'] ?? join(homedir(), '.cargo'), 'bin')];
  for (const folder of folders) if (await isExecutable(join(folder, NAME))) return { binary: join(folder, NAME), from: 'PATH' };
  return (await isExecutable(cachedDevnet(cacheFolder))) ? { binary: cachedDevnet(cacheFolder), from: 'the cache' } : undefined;
}

/** How to have one, for messages of what goes on without. */
export const HOW_TO_HAVE_A_DEVNET = `\`npm run chain -- --once\` fetches or builds starknet-devnet ${DEVNET_VERSION}; CIRO_DEVNET_BIN=/path/to/starknet-devnet names one`;

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run
  }
}
