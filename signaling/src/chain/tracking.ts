import { MAX_TRACKED } from './chain-limits.ts';
import type { Felt } from './felt.ts';

/** As SNIP-29 names them: under way, in a block, given up. */
export interface Tracked {
  readonly transaction_hash: Felt;
  readonly status: 'active' | 'accepted' | 'dropped';
}

/** The newest transaction of each action: an action that was sent again has another one. Bounded; the oldest is forgotten first. */
export class Tracking {
  readonly #actions = new Map<Felt, Tracked>();

  set(id: Felt, transaction: Felt, status: Tracked['status']): void {
    this.#actions.set(id, { transaction_hash: transaction, status });
    const [oldest] = this.#actions.keys();
    if (this.#actions.size > MAX_TRACKED && oldest !== undefined) this.#actions.delete(oldest);
  }

  get(id: Felt): Tracked | undefined {
    return this.#actions.get(id);
  }
}
