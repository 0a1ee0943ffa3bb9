import type { Clock } from '../sessions/clock.ts';

/** A result that comes once: from a message, from a deadline that can be moved, or not at all when the signal aborts. */
export class Ending<Result> {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #settle: PromiseWithResolvers<Result>;
  readonly #onAbort: () => void;
  #cancelTimer: () => void = () => undefined;
  /** True once there is a result, or none will come. */
  over = false;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#settle = Promise.withResolvers();
    // Whoever waits hears of it; before anybody does, or when nobody will, it is no unhandled error.
    this.#settle.promise.catch(() => undefined);
    this.#onAbort = () => this.#finish(() => this.#settle.reject(signal.reason));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  get result(): Promise<Result> {
    return this.#settle.promise;
  }

  /** Gives the result; what comes later is too late. */
  end(result: Result): void {
    this.#finish(() => this.#settle.resolve(result));
  }

  fail(error: unknown): void {
    this.#finish(() => this.#settle.reject(error));
  }

  /** Moves the deadline: `late` is called after `ms`, and ends it or moves the deadline again. */
  within(ms: number, late: () => void): void {
    if (this.over) return;
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.after(ms, late);
  }

  #finish(settle: () => void): void {
    if (this.over) return;
    this.over = true;
    this.#cancelTimer();
    this.#signal.removeEventListener('abort', this.#onAbort);
    settle();
  }
}
