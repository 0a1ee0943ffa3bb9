import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes let through in one piece: 26 ms of a 20 Mbit/s line, so that what shares the line takes turns. */
export const PIECE_BYTES = 64 * 1024;

/**
 * One line of a given speed, shared by everything that passes it. A token bucket of one piece: what was not used in time is
 * lost, so an idle line does not save up a burst.
 */
export class Pace {
  readonly #bytesPerMs: number;
  #freeAt = 0;
  #passed = 0;

  constructor(megabitsPerSecond: number) {
    this.#bytesPerMs = (megabitsPerSecond * 1e6) / 8 / 1000;
  }

  /** Bytes that passed so far. */
  get passed(): number {
    return this.#passed;
  }

  /** Resolves when the line has carried `bytes`. */
  async pass(bytes: number): Promise<void> {
    const now = performance.now();
    this.#freeAt = Math.max(this.#freeAt, now) + bytes / this.#bytesPerMs;
    this.#passed += bytes;
    if (this.#freeAt > now) await sleep(this.#freeAt - now);
  }
}
