/** How a line tells its items apart. */
export interface WorkRules<Item> {
  /** Items of one job keep their order. */
  jobOf(item: Item): string;
  /** A generated position, which somebody waits for; anything else is a chunk of a prompt. */
  isDecode(item: Item): boolean;
  /** How many generated positions may be taken of so many that wait, each of another job; 0 while they are to wait for others. All of them when absent. */
  mayLeave?(waiting: number): number;
  /** Whether these may be run together; asked with two and more generated positions of different jobs. */
  fitTogether(items: readonly Item[]): boolean;
}

/**
 * Work that waits for the engine, and what is taken next. Every job has a line of its own. Generated positions that wait are
 * taken together, as many as fit. Chunks are taken one by one, from the job that has waited longest. When both wait, they take
 * turns: so a generated position waits for one chunk at most, and a chunk for one batch and one chunk of each other prompt.
 */
export class WorkLine<Item> {
  readonly #rules: WorkRules<Item>;
  /** By job, none of them empty; those that were served last are at the end. */
  readonly #lines = new Map<string, Item[]>();
  #servedChunk = false;
  #size = 0;

  constructor(rules: WorkRules<Item>) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#size;
  }

  push(item: Item): void {
    const job = this.#rules.jobOf(item);
    const line = this.#lines.get(job);
    if (line === undefined) this.#lines.set(job, [item]);
    else line.push(item);
    this.#size++;
  }

  /** Jobs whose next generated position waits. */
  get decodes(): number {
    return [...this.#lines.values()].filter(([head]) => head !== undefined && this.#rules.isDecode(head)).length;
  }

  /** Takes what is to be run next: one item, or generated positions of several jobs. Nothing when nothing waits that may leave. */
  take(): Item[] {
    const heads = [...this.#lines.values()].flatMap(([head]) => (head === undefined ? [] : [head]));
    const chunk = heads.find((item) => !this.#rules.isDecode(item));
    const decodes = heads.filter((item) => this.#rules.isDecode(item));
    const most = decodes.length === 0 ? 0 : (this.#rules.mayLeave?.(decodes.length) ?? decodes.length);
    const [first, ...others] = most === 0 ? [] : decodes;
    if (first === undefined || (chunk !== undefined && !this.#servedChunk)) return chunk === undefined ? [] : this.#remove([chunk], true);
    const together = [first];
    for (const item of others) if (together.length < most && this.#rules.fitTogether([...together, item])) together.push(item);
    return this.#remove(together, false);
  }

  /** Forgets items. */
  drop(which: (item: Item) => boolean): void {
    for (const [job, line] of this.#lines) {
      const kept = line.filter((item) => !which(item));
      this.#size -= line.length - kept.length;
      if (kept.length > 0) this.#lines.set(job, kept);
      else this.#lines.delete(job);
    }
  }

  #remove(items: Item[], chunk: boolean): Item[] {
    this.#servedChunk = chunk;
    for (const item of items) {
      const job = this.#rules.jobOf(item);
      const line = this.#lines.get(job) ?? [];
      line.shift();
      this.#lines.delete(job);
      if (line.length > 0) this.#lines.set(job, line);
    }
    this.#size -= items.length;
    return items;
  }
}
