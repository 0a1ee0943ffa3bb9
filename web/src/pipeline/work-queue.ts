/**
 * Runs items one after the other in the order in which they came, and lets the event loop have its turn between two of
 * them: so frames of other jobs join the line and a `finish` is heard in the middle of a long prompt. Who fills it bounds it.
 */
export class WorkQueue<Item> {
  readonly #run: (item: Item) => Promise<void>;
  readonly #turn: () => Promise<void>;
  #items: Item[] = [];
  #running: Promise<void> | undefined;

  /** `run` must not throw. */
  constructor(run: (item: Item) => Promise<void>, turn: () => Promise<void>) {
    this.#run = run;
    this.#turn = turn;
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#running ??= this.#drain();
  }

  /** Forgets items that have not begun. */
  drop(which: (item: Item) => boolean): void {
    this.#items = this.#items.filter((item) => !which(item));
  }

  /** Resolves when nothing runs and nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #drain(): Promise<void> {
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      await this.#run(item);
      if (this.#items.length > 0) await this.#turn();
    }
    this.#running = undefined;
  }
}
