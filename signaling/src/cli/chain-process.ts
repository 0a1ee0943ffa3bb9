/**
 * A local chain in a process of its own, as `npm start` forks it (`own-chain.ts`): hashing seven classes takes seconds, in which the
 * coordinator would answer nobody. It ends with its parent, however that ends. Argument: path of the devnet.
 */
import { setPriority } from 'node:os';
import { chainFileOf } from '@ciro/contracts/chain/chain-file.ts';
import { startLocalChain } from '@ciro/contracts/chain/local-chain.ts';
import { untilAborted } from './until-aborted.ts';
import type { ChainNews } from './own-chain.ts';

/** The volunteers' answer comes first where cores are few. */
const NICENESS = 10;

const over = new AbortController();
const tell = (news: ChainNews): void => void process.send?.(news);
process.once('disconnect', () => over.abort());
// Ctrl-C reaches every process of the terminal; this one ends when its parent has.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => over.abort());
try {
  setPriority(NICENESS);
} catch {
  // Where that is not allowed it only competes.
}
try {
  const [binary = ''] = process.argv.slice(2);
  await using chain = await startLocalChain({ binary, signal: over.signal });
  tell({ type: 'started', file: chainFileOf(chain.plan, chain.devnet.rpc) });
  await chain.deploy();
  await chain.serve();
  tell({ type: 'deployed' });
  const said = await Promise.race([untilAborted(over.signal), chain.devnet.ended]);
  if (said !== undefined && !over.signal.aborted) tell({ type: 'failed', message: `the node ended: ${said}` });
} catch (error) {
  if (!over.signal.aborted) tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
if (process.connected) process.disconnect();
