import { setTimeout as sleep } from 'node:timers/promises';
import { createBlock } from './devnet.ts';
import type { ChainClient } from './starknet.ts';

/** A devnet makes a block for each transaction and none otherwise: for its contracts time stands still until the next one. First look after a transaction. */
const FIRST_MS = 1_000;
/** A block takes 10 kB of the node's memory: one a minute is 15 MB a day. */
const LONGEST_MS = 60_000;

/**
 * Gives a devnet empty blocks until `signal` aborts, so that waits of its contracts end without a transaction, as on a network: one, two, four
 * seconds after a transaction and so on, then every minute. A node that does not answer is asked again.
 */
export async function keepBlocks(chain: ChainClient, signal: AbortSignal): Promise<void> {
  let pause = FIRST_MS;
  let ours = -1;
  let due = performance.now() + pause;
  while (!signal.aborted) {
    await sleep(FIRST_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const newest = await chain.provider.getBlockNumber();
      if (newest !== ours) [pause, due] = [FIRST_MS, Math.min(due, performance.now())];
      ours = newest;
      if (performance.now() < due) continue;
      await createBlock(chain.rpc);
      ours = newest + 1;
      pause = Math.min(2 * pause, LONGEST_MS);
      due = performance.now() + pause;
    } catch {
      // It is busy, or ends: whoever started it hears of that.
    }
  }
}
