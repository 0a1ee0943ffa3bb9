import { DROPPED_AFTER_MS, FIRST_LOOK_MS, LONGEST_LOOK_MS } from './chain-limits.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Chain, TransactionState } from './chain-port.ts';
import type { Felt } from './felt.ts';

/** What became of a transaction. `dropped`: no node knew it for a minute. `stopped`: we stopped looking. */
export type Verdict = Extract<TransactionState, { status: 'succeeded' | 'reverted' }> | { readonly status: 'dropped' } | { readonly status: 'stopped' };

/** Looks at a transaction until it is in a block or was dropped, at growing intervals. A silent node is waited for. Never rejects. */
export async function watchTransaction(hash: Felt, { chain, clock, signal }: { readonly chain: Pick<Chain, 'state'>; readonly clock: Clock; readonly signal: AbortSignal }): Promise<Verdict> {
  let knownAt = clock.now();
  for (let pause = FIRST_LOOK_MS; !signal.aborted; pause = Math.min(LONGEST_LOOK_MS, pause * 2)) {
    const state = await chain.state(hash).catch(() => undefined);
    if (state?.status === 'succeeded' || state?.status === 'reverted') return state;
    if (state?.status === 'waiting') knownAt = clock.now();
    if (state?.status === 'unknown' && clock.now() - knownAt >= DROPPED_AFTER_MS) return { status: 'dropped' };
    await sleep(pause, clock, signal);
  }
  return { status: 'stopped' };
}

function sleep(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
