import type { PerformanceData } from '@ciro/core/settlement/performance.ts';
import type { PerformanceStore, StoredPerformance } from './performance-ports.ts';

/** An outbox of performance in memory for tests. `crash` is asked before and after each write. */
export class MemoryPerformanceStore implements PerformanceStore {
  readonly #crash: (step: string) => void;
  readonly #kept = new Map<number, StoredPerformance>();

  constructor(crash: (step: string) => void = () => undefined) {
    this.#crash = crash;
  }

  async newest(): Promise<StoredPerformance | undefined> {
    return structuredClone(this.#kept.get(Math.max(...this.#kept.keys())));
  }
  async find(epoch: number): Promise<StoredPerformance | undefined> {
    return structuredClone(this.#kept.get(epoch));
  }
  async add(data: PerformanceData, dropTo: number): Promise<void> {
    this.#crash('add performance');
    if (!this.#kept.has(data.epoch)) this.#kept.set(data.epoch, { data: structuredClone(data), transaction: null, postedAt: null });
    for (const epoch of this.#kept.keys()) if (epoch <= dropTo) this.#kept.delete(epoch);
    this.#crash('added performance');
  }
  async mark(epoch: number, transaction: string, postedAt: number): Promise<void> {
    this.#crash('mark performance');
    const found = this.#kept.get(epoch);
    if (found !== undefined) this.#kept.set(epoch, { ...found, transaction, postedAt });
    this.#crash('marked performance');
  }
  clear(): void {
    this.#kept.clear();
  }
}
