/**
 * Runs items one after the other in the order in which they came, and lets the event loop have its turn between two of
 * them: so frames of other jobs join the line and a `finish` is heard in the middle of a long prompt. Who fills it bounds it.
 *
 * Beside the line there is a background lane: its tasks run when no item waits, one at a time, each after a turn of the
 * event loop. So an item waits for one such task at most.
 */
export class WorkQueue<Item> {
  readonly #run: (item: Item) => Promise<void>;
  readonly #turn: () => Promise<void>;
  readonly #background: (() => Promise<void>)[] = [];
  #items: Item[] = [];
  #runsItem = false;
  #draining = false;
  #idle: (() => void)[] = [];

  /** `run` must not throw. */
  constructor(run: (item: Item) => Promise<void>, turn: () => Promise<void>) {
    this.#run = run;
    this.#turn = turn;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#start();
  }

  /** Runs a task when no item waits; settles as the task does. Its length is how long a lap may have to wait for it. */
  background<Result>(task: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#background.push(() => task().then(resolve, reject));
      this.#start();
    });
  }

  /** Forgets items that have not begun. */
  drop(which: (item: Item) => boolean): void {
    this.#items = this.#items.filter((item) => !which(item));
  }

  /** Resolves when no item runs and none waits. Background tasks are not waited for. */
  async idle(): Promise<void> {
    if (this.#runsItem || this.#items.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #start(): void {
    if (this.#draining) return;
    this.#draining = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#items.length + this.#background.length > 0) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#runsItem = true;
        await this.#run(item);
        this.#runsItem = false;
      }
      if (this.#items.length === 0) this.#tellIdle();
      if (this.#items.length + this.#background.length === 0) break;
      await this.#turn();
      if (this.#items.length === 0) {
        this.#tellIdle();
        await this.#background.shift()?.();
      }
    }
    this.#draining = false;
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
