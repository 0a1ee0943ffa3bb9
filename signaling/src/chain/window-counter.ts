import { MAX_COUNTED } from './chain-limits.ts';

/** Counts by key in windows that begin at whole multiples of their length (UTC hours and days). Forgets all at the turn, and never holds more than `MAX_COUNTED` keys. */
export class WindowCounter {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #maxKeys: number;
  #window = 0;
  readonly #counts = new Map<string, number>();

  constructor(limit: number, windowMs: number, { now, maxKeys = MAX_COUNTED }: { readonly now: () => number; readonly maxKeys?: number }) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#now = now;
    this.#maxKeys = maxKeys;
  }

  /** True when `key` has something left. A key that cannot be remembered has nothing left: to forget another one would give that one everything back. */
  has(key: string): boolean {
    this.#turn();
    const count = this.#counts.get(key);
    return count === undefined ? this.#counts.size < this.#maxKeys : count < this.#limit;
  }

  /** Takes one; false, and nothing taken, when none is left. */
  take(key: string): boolean {
    if (!this.has(key)) return false;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    return true;
  }

  /** The window in which `take` counted last; `giveBack` wants it. */
  get window(): number {
    this.#turn();
    return this.#window;
  }

  /** Gives one back that was taken in `window`; of a window that is over nothing is left to give back. */
  giveBack(key: string, window: number): void {
    if (window !== this.window) return;
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }

  /** Milliseconds until everything is forgotten. */
  get turnsInMs(): number {
    const now = this.#now();
    return this.#windowMs - (now % this.#windowMs);
  }

  get size(): number {
    this.#turn();
    return this.#counts.size;
  }

  #turn(): void {
    const window = Math.floor(this.#now() / this.#windowMs);
    if (window === this.#window) return;
    this.#window = window;
    this.#counts.clear();
  }
}
