import type { NodeId } from '@ciro/core/ids.ts';
import type { Clock } from '../sessions/clock.ts';
import type { Ledger } from './ledger.ts';

const DAY_MS = 86_400_000;
/** A worker that was not seen for so long has retired: its bond is its own (SPEC M7). Longer than any holiday would keep honest pay back. */
export const RETIRED_AFTER_MS = 30 * DAY_MS;
/** Bonds are looked at when the coordinator starts, and this often. */
const LOOK_EVERY_MS = DAY_MS;

export interface BondKeeperDeps {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, 'bonded' | 'retire'>;
  /** Epoch milliseconds of a node's last connection; undefined when it has no record. */
  readonly lastSeen: (node: NodeId) => Promise<number | undefined>;
  /** Hears of a round that failed; the next one is tried as usual. */
  readonly onError: (error: unknown) => void;
}

/** Pays out the bonds of workers that have retired. */
export class BondKeeper {
  readonly #deps: BondKeeperDeps;
  #round: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(deps: BondKeeperDeps) {
    this.#deps = deps;
    this.#look();
  }

  /** Looks no more; resolves when the round under way is over. */
  close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    return this.#round;
  }

  #look(): void {
    const { clock, onError } = this.#deps;
    this.#round = this.#payOut().catch(onError);
    this.#cancel = clock.after(LOOK_EVERY_MS, () => this.#look());
  }

  async #payOut(): Promise<void> {
    const { clock, ledger, lastSeen } = this.#deps;
    for (const worker of await ledger.bonded()) {
      const seen = await lastSeen(worker);
      if (this.#closed) return;
      if (seen !== undefined && clock.now() - seen >= RETIRED_AFTER_MS) await ledger.retire(worker, seen);
    }
  }
}
