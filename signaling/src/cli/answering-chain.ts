import { ChainError } from '@ciro/contracts/chain/chain-error.ts';
import { felt } from '@ciro/contracts/chain/felts.ts';
import { ChainClient } from '@ciro/contracts/chain/starknet.ts';
import { isLocal } from '../chain/chain-settings.ts';
import type { ChainFile } from '../chain/chain-settings.ts';

/** A node is asked whether it is the one that the file names; one on the same machine answers at once. */
const ASK_LOCAL_MS = 3_000;
const ASK_NETWORK_MS = 20_000;

/**
 * Why the node of the file at `path` is not the file's: it is silent, on another chain, or has not its settlement contract. Undefined when it is the file's.
 * Throws ChainError instead where the file names a network: that has to work.
 */
export async function whyNotTheChain(file: ChainFile, path: string, signal: AbortSignal): Promise<string | undefined> {
  const { rpc, chainId, addresses, classHashes } = file;
  try {
    const chain = await ChainClient.connect({ rpc, chainId, local: isLocal(file), signal, answerTimeoutMs: isLocal(file) ? ASK_LOCAL_MS : ASK_NETWORK_MS });
    const found = await chain.classHashAt(felt(addresses.CommitmentStore));
    if (found === felt(classHashes.CommitmentStore)) return undefined;
    throw new ChainError('foreign-class', `The node at ${rpc} has ${found === undefined ? 'no contract' : `class ${found}`} at ${addresses.CommitmentStore}, and ${path} says ${classHashes.CommitmentStore}. \`npm run chain\` deploys what it names.`, { fault: 'user', fields: { rpc, found } });
  } catch (error) {
    signal.throwIfAborted();
    if (!isLocal(file) || !(error instanceof ChainError)) throw error;
    return error.message;
  }
}
