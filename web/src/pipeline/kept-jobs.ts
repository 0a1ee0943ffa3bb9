import { jobKey } from './stage-job.ts';
import { MAX_KEPT_JOBS, RETAIN_UNREVEALED_MS } from './stage-limits.ts';
import type { KeptRows } from './kept-rows.ts';

interface Entry {
  readonly rows: KeptRows;
  /** On the clock of `now`, in milliseconds. */
  until: number;
}

/**
 * Rows of jobs that are over, kept until the audit draw has passed them by or they were uploaded. Bounded three ways: by
 * time, by count, and by a budget of bytes; the oldest go first. What is given back early is not a fault: neighbours hold
 * the same rows, and work that nobody can show is unpaid, never punished.
 */
export class KeptJobs {
  readonly #budgetBytes: number;
  readonly #now: () => number;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  #heldBytes = 0;

  constructor(budgetBytes: number, now: () => number) {
    this.#budgetBytes = budgetBytes;
    this.#now = now;
  }

  /** Bytes kept now. */
  get heldBytes(): number {
    this.#expire();
    return this.#heldBytes;
  }

  /** Keeps a job's rows until its roots are shown, if they fit the budget at all. */
  keep(rows: KeptRows): void {
    this.#expire();
    if (rows.bytes > this.#budgetBytes) return;
    this.#entries.set(jobKey(rows.job, rows.version), { rows, until: this.#now() + RETAIN_UNREVEALED_MS });
    this.#heldBytes += rows.bytes;
    this.#shrink(this.#budgetBytes, MAX_KEPT_JOBS);
  }

  find(job: string, version: number): KeptRows | undefined {
    this.#expire();
    return this.#entries.get(jobKey(job, version))?.rows;
  }

  /** Whether these very rows are counted in `heldBytes`. */
  holds(rows: KeptRows): boolean {
    return this.find(rows.job, rows.version) === rows;
  }

  /** Something was heard of the job: its rows stay this much longer from now on. */
  extend(job: string, version: number, milliseconds: number): void {
    const entry = this.#entries.get(jobKey(job, version));
    if (entry !== undefined) entry.until = Math.max(entry.until, this.#now() + milliseconds);
  }

  release(job: string, version: number): void {
    const key = jobKey(job, version);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#heldBytes -= entry.rows.bytes;
  }

  /** Gives the oldest rows back until at most `bytes` are kept: a new job needs the room. */
  giveBackTo(bytes: number): void {
    this.#expire();
    this.#shrink(bytes, MAX_KEPT_JOBS);
  }

  #shrink(bytes: number, count: number): void {
    for (const { rows } of this.#entries.values()) {
      if (this.#heldBytes <= bytes && this.#entries.size <= count) return;
      this.release(rows.job, rows.version);
    }
  }

  #expire(): void {
    const now = this.#now();
    for (const { rows, until } of this.#entries.values()) if (until <= now) this.release(rows.job, rows.version);
  }
}
