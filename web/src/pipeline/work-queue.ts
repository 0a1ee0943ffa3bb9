/** Where items wait: what is taken together is run together. `WorkLine` is one. */
interface Line<Item> {
  readonly size: number;
  push(item: Item): void;
  take(): readonly Item[];
  drop(which: (item: Item) => boolean): void;
}

/**
 * Runs what a line gives, and lets the event loop have its turn between two runs: so frames of other jobs join the line and
 * a `finish` is heard in the middle of a long prompt. An item that comes when nothing runs is run at once, if the line gives it. Who fills it bounds it.
 *
 * Beside the line there is a background lane: its tasks run when the line gives nothing, one at a time, with a turn of the
 * event loop after each. So an item waits for one such task at most.
 */
export class WorkQueue<Item> {
  readonly #line: Line<Item>;
  readonly #run: (items: readonly Item[]) => Promise<void>;
  readonly #turn: () => Promise<void>;
  readonly #background: (() => Promise<void>)[] = [];
  #runsItems = false;
  #draining = false;
  #idle: (() => void)[] = [];

  /** `run` must not throw. */
  constructor(line: Line<Item>, run: (items: readonly Item[]) => Promise<void>, turn: () => Promise<void>) {
    this.#line = line;
    this.#run = run;
    this.#turn = turn;
  }

  push(item: Item): void {
    this.#line.push(item);
    this.look();
  }

  /** Runs a task when no item waits; settles as the task does. Its length is how long a lap may have to wait for it. */
  background<Result>(task: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#background.push(() => task().then(resolve, reject));
      this.look();
    });
  }

  /** Forgets items that have not begun; others may have waited for them. */
  drop(which: (item: Item) => boolean): void {
    this.#line.drop(which);
    if (this.#line.size === 0 && !this.#runsItems) this.#tellIdle();
    this.look();
  }

  /** Resolves when no item runs and none waits. Background tasks are not waited for. */
  async idle(): Promise<void> {
    if (this.#runsItems || this.#line.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Begins to run what the line gives, unless that is under way: it may give what it did not give before. */
  look(): void {
    if (this.#draining) return;
    this.#draining = true;
    void this.#drain();
  }

  async #drain(): Promise<void> {
    for (;;) {
      const items = this.#line.take();
      if (items.length > 0) {
        this.#runsItems = true;
        await this.#run(items);
        this.#runsItems = false;
      } else {
        const task = this.#background.shift();
        if (task === undefined) break;
        await task();
      }
      if (this.#line.size === 0) this.#tellIdle();
      await this.#turn();
    }
    this.#draining = false;
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
