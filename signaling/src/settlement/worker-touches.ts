import { MAX_PERFORMERS } from '@ciro/core/settlement/performance.ts';
import type { PerformanceDeps } from './performance-outbox.ts';

/** Workers that one transaction tells the pool of; the contract takes 512. */
export const TOUCHED_AT_A_TIME = 128;
/** Between two looks at who is there, milliseconds: each asks the pool for every worker that was seen since. */
const LOOK_EVERY_MS = 3_600_000;
/** Looks within the time after which a worker is inactive, when that is so short that an hour would miss it. */
const LEAST_LOOKS = 4;

type TouchDeps = Pick<PerformanceDeps, 'pool' | 'figures' | 'payouts' | 'now' | 'onEvent'>;

/**
 * Tells the pool of workers that are there (SPEC X12): those seen since the last look, when the pool saw them last more than half of its time
 * ago. So a worker that stays costs two touches a day, and a stranger to the pool nothing but a view.
 */
export class WorkerTouches {
  readonly #deps: TouchDeps;
  #next = 0;

  constructor(deps: TouchDeps) {
    this.#deps = deps;
  }

  /** Looks, if it is time. What the chain throws passes through; the next call looks again. */
  async step(): Promise<void> {
    const { pool, figures, payouts, now, onEvent } = this.#deps;
    const at = now();
    if (at < this.#next) return;
    const inactiveAfter = await pool.inactiveAfter();
    const every = Math.min(LOOK_EVERY_MS, (inactiveAfter * 1_000) / LEAST_LOOKS);
    const seen = (await figures(MAX_PERFORMERS)).filter(({ lastSeen }) => at - lastSeen <= every).map(({ node }) => node);
    const known = await payouts.accounts(seen);
    const accounts = [...new Set(seen.map((node) => known.get(node) ?? ''))];
    const last = accounts.length === 0 ? [] : await pool.lastSeen(accounts);
    const time = accounts.length === 0 ? 0 : await pool.time();
    const due = accounts.filter((_, index) => {
      const before = last[index] ?? null;
      return before !== null && time - before > inactiveAfter / 2;
    });
    for (let from = 0; from < due.length; from += TOUCHED_AT_A_TIME) {
      const some = due.slice(from, from + TOUCHED_AT_A_TIME);
      onEvent({ type: 'touched', transaction: await pool.touch(some), workers: some.length });
    }
    this.#next = at + every;
  }
}
