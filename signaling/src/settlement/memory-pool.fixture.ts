import type { PerformanceData } from '@ciro/core/settlement/performance.ts';
import type { PerformancePort, RecordedPerformance } from './performance-ports.ts';

/** A pool in memory whose transactions are in a block at once, as the contract has it (contracts/SPEC.md W11, W13). `crash` is asked before and after each. */
export class MemoryPool implements PerformancePort {
  readonly chainId = '0x534e5f54455354';
  readonly pool = '0x77';
  readonly epochs = new Map<number, RecordedPerformance>();
  /** Unix seconds by worker. */
  readonly seen = new Map<string, number>();
  readonly touches: (readonly string[])[] = [];
  now: () => number;
  /** Transactions get lost on their way. */
  loses = false;
  /** Transactions to record something that were sent. */
  sent = 0;
  readonly #crash: (step: string) => void;

  constructor(now: () => number, crash: (step: string) => void = () => undefined) {
    this.now = now;
    this.#crash = crash;
  }

  async recorded(epoch: number): Promise<RecordedPerformance | undefined> {
    return this.epochs.get(epoch);
  }
  async record({ epoch, root, count, depth }: Pick<PerformanceData, 'epoch' | 'root' | 'count' | 'depth'>): Promise<string> {
    this.#crash('pool record');
    const known = this.epochs.get(epoch);
    if (known !== undefined && known.root !== root) throw new Error('CIRO-CP: epoch exists');
    this.sent++;
    if (!this.loses) this.epochs.set(epoch, { root, count, depth });
    this.#crash('pool recorded');
    return `0x${this.sent}`;
  }
  async lastSeen(workers: readonly string[]): Promise<(number | null)[]> {
    return workers.map((worker) => this.seen.get(worker) ?? null);
  }
  async touch(workers: readonly string[]): Promise<string> {
    this.touches.push(workers);
    for (const worker of workers) if (this.seen.has(worker)) this.seen.set(worker, this.now());
    return '0x5';
  }
  async inactiveAfter(): Promise<number> {
    return 86_400;
  }
  async time(): Promise<number> {
    return this.now();
  }
}
