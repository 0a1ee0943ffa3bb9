/** Runs tasks of the same key one after the other, in order; those of different keys do not wait for each other. */
export class OneAtATime<Key> {
  readonly #tails = new Map<Key, Promise<unknown>>();

  async run<Result>(key: Key, task: () => Promise<Result>): Promise<Result> {
    const result = (this.#tails.get(key) ?? Promise.resolve()).then(task);
    // Whoever asked hears of the failure; the next one does not.
    const tail = result.catch(() => undefined);
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
