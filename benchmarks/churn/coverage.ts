/** How many tabs could serve, from one moment on. Times are milliseconds of one clock. */
interface Level {
  readonly at: number;
  readonly tabs: number;
}

/**
 * Who is here, as the player of the trace knows it, not as the coordinator believes: a tab counts from the moment its own page says that it was measured
 * until the moment it is taken away. Each tab of this benchmark has memory for the whole model, so one covers it.
 */
export class Coverage {
  readonly #levels: Level[] = [{ at: Number.NEGATIVE_INFINITY, tabs: 0 }];

  get tabs(): number {
    return this.#levels.at(-1)?.tabs ?? 0;
  }

  came(at: number): void {
    this.#levels.push({ at, tabs: this.tabs + 1 });
  }

  went(at: number): void {
    this.#levels.push({ at, tabs: this.tabs - 1 });
  }

  /** Fewest tabs at any time in [from, to]. */
  least(from: number, to: number): number {
    const before = this.#levels.findLast(({ at }) => at <= from)?.tabs ?? 0;
    return Math.min(before, ...this.#levels.filter(({ at }) => at > from && at <= to).map(({ tabs }) => tabs));
  }
}
