import type { Clock } from '../sessions/clock.ts';
import type { AccountStore } from './account-store.ts';

/** How often an instance looks for keys that others have revoked: their answers end within about so long. */
export const LOOK_EVERY_MS = 2_000;
/** Looked back over the last look: clocks of instances differ, and a row is seen when it is committed. */
const OVERLAP_MS = 30_000;

export interface RevocationsDeps {
  readonly store: Pick<AccountStore, 'revokedSince'>;
  readonly clock: Clock;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Told of keys that open nothing any more, more than once. */
  readonly ended: (ids: readonly string[]) => void;
  /** Hears of a look that failed; the next one is made as usual. */
  readonly onError: (error: unknown) => void;
}

/** Hears of keys that other instances revoke (SPEC J4); those of this one are told at once. */
export class Revocations {
  readonly #deps: RevocationsDeps;
  #cancel: () => void = () => undefined;
  #look: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(deps: RevocationsDeps) {
    this.#deps = deps;
    this.#next();
  }

  /** Looks no more; resolves when the look under way is over. */
  close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    return this.#look;
  }

  #next(): void {
    const { store, clock, now, ended, onError } = this.#deps;
    this.#cancel = clock.after(LOOK_EVERY_MS, () => {
      this.#look = store
        .revokedSince(now() - OVERLAP_MS)
        .then((ids) => {
          if (ids.length > 0) ended(ids);
        }, onError)
        .then(() => {
          if (!this.#closed) this.#next();
        });
    });
  }
}
