/** Several wait for one task: it runs once, and is stopped only when every one of them has given up. */
export class SharedTasks<Result, Progress> {
  readonly #running = new Map<string, SharedTask<Result, Progress>>();

  /**
   * Joins the task `key`, or begins it with `begin`. `onProgress` hears of it from now on, starting with what is known.
   * Rejects with `signal`'s reason when this waiter gives up.
   */
  async join(key: string, begin: (signal: AbortSignal, progress: (value: Progress) => void) => Promise<Result>, options: { readonly signal: AbortSignal; readonly onProgress: (value: Progress) => void }): Promise<Result> {
    options.signal.throwIfAborted();
    let task = this.#running.get(key);
    if (task === undefined) {
      task = new SharedTask(begin, () => this.#running.delete(key));
      this.#running.set(key, task);
    }
    return task.wait(options.signal, options.onProgress);
  }
}

class SharedTask<Result, Progress> {
  readonly #controller = new AbortController();
  readonly #waiters = new Set<(value: Progress) => void>();
  readonly #result: Promise<Result>;
  readonly #forget: () => void;
  #latest: Progress | undefined;

  constructor(begin: (signal: AbortSignal, progress: (value: Progress) => void) => Promise<Result>, forget: () => void) {
    this.#forget = forget;
    this.#result = begin(this.#controller.signal, (value) => {
      this.#latest = value;
      for (const tell of this.#waiters) tell(value);
    });
    this.#result.then(forget, forget);
  }

  async wait(signal: AbortSignal, onProgress: (value: Progress) => void): Promise<Result> {
    this.#waiters.add(onProgress);
    if (this.#latest !== undefined) onProgress(this.#latest);
    let giveUp: () => void = () => undefined;
    try {
      return await Promise.race([
        this.#result,
        new Promise<never>((_resolve, reject) => {
          giveUp = () => reject(signal.reason);
          signal.addEventListener('abort', giveUp, { once: true });
        }),
      ]);
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#waiters.delete(onProgress);
      if (signal.aborted && this.#waiters.size === 0) {
        // Whoever comes now begins anew instead of joining what is being stopped.
        this.#forget();
        this.#controller.abort(signal.reason);
      }
    }
  }
}
