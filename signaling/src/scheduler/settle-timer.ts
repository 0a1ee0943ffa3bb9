import { MAX_DEBOUNCES } from './scheduler-limits.ts';
import type { Clock } from '../sessions/clock.ts';

/** Runs a task a while after the last call of `later`, and at most MAX_DEBOUNCES such whiles after the first: whoever measures itself anew all the time must not put it off for ever. */
export class SettleTimer {
  readonly #clock: Clock;
  readonly #task: () => void;
  #waitingSince: number | undefined;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, task: () => void) {
    this.#clock = clock;
    this.#task = task;
  }

  /** False when it was put off often enough and runs when it would have. */
  later(ms: number): boolean {
    const now = this.#clock.now();
    this.#waitingSince ??= now;
    if (now - this.#waitingSince >= MAX_DEBOUNCES * ms) return false;
    this.#cancel();
    this.#cancel = this.#clock.after(ms, this.#task);
    return true;
  }

  /** The task is done, or will not be. */
  end(): void {
    this.#cancel();
    this.#waitingSince = undefined;
  }
}
