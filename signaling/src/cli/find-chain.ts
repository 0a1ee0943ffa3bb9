import { join } from 'node:path';
import { ChainError } from '@ciro/contracts/chain/chain-error.ts';
import { ChainSettingsError, isLocal, readChainFile } from '../chain/chain-settings.ts';
import { whyNotTheChain } from './answering-chain.ts';

/** Files of the chains that commands start, in the order in which they are asked: `npm start` itself goes to the first where it answers. */
export const CHAIN_FILES = [
  { path: join('.ciro', 'chain.json'), command: 'npm run chain' },
  { path: join('.ciro', 'data', 'chain.json'), command: 'npm start' },
] as const;

export interface ChainSearch {
  /** Of the checkout. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Hears which file is used. */
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Path of the file whose chain a command works with: that of `CIRO_CHAIN_FILE`, else the first of CHAIN_FILES that names a network or a local node that answers.
 * Throws ChainSettingsError `no-chain`, which says of each file why it is not used, or `bad-file`.
 */
export async function findChain({ folder, env, report, signal }: ChainSearch): Promise<string> {
  const named = env['CIRO_CHAIN_FILE'];
  if (named !== undefined && named !== '') {
    if ((await readChainFile(named)) === undefined) throw new ChainSettingsError('no-chain', `CIRO_CHAIN_FILE names ${named}, and there is no such file`, { fault: 'user', fields: { path: named } });
    report(`chain: ${named} (CIRO_CHAIN_FILE)`);
    return named;
  }
  const reasons: string[] = [];
  for (const { path, command } of CHAIN_FILES) {
    const file = await readChainFile(join(folder, path));
    const reason = file === undefined ? 'there is no such file' : isLocal(file) ? await whyNotTheChain(file, path, signal) : undefined;
    if (reason === undefined) {
      report(`chain: ${path} (of \`${command}\`)`);
      return join(folder, path);
    }
    reasons.push(`${path} (of \`${command}\`): ${reason}`);
  }
  throw new ChainSettingsError('no-chain', `no chain to work with:\n  ${reasons.join('\n  ')}\nStart one with either command in another terminal, or name its file with CIRO_CHAIN_FILE (\`npm start -- --data FOLDER\` writes FOLDER/chain.json).`, { fault: 'user' });
}

/** Refuses to begin a chain where one that `path` names answers: its file would be overwritten, and removed at the end. Throws ChainError `devnet-failed`. */
export async function refuseSecondChain(path: string, signal: AbortSignal): Promise<void> {
  const file = await readChainFile(path);
  if (file === undefined || !isLocal(file) || (await whyNotTheChain(file, path, signal)) !== undefined) return;
  throw new ChainError('devnet-failed', `a chain runs already at ${file.rpc}, named by ${path}: use it, or end its command (or, if that was killed, the node that listens there) first`, { fault: 'user', fields: { rpc: file.rpc, path } });
}
