import type { Clock } from './clock.ts';

/** Time that moves only when a test says so. */
export class VirtualClock implements Clock {
  #now: number;
  readonly #tasks = new Set<{ readonly at: number; readonly order: number; readonly task: () => void }>();
  #count = 0;

  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, task: () => void): () => void {
    const entry = { at: this.#now + ms, order: this.#count++, task };
    this.#tasks.add(entry);
    return () => this.#tasks.delete(entry);
  }

  /** Tasks that wait. */
  get pending(): number {
    return this.#tasks.size;
  }

  /** Moves on by `ms`, running what falls due in its order, also what is added on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#tasks].filter((task) => task.at <= end).sort((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined) break;
      this.#tasks.delete(next);
      this.#now = next.at;
      next.task();
    }
    this.#now = end;
  }
}
