import { MemoryPerformanceStore } from './memory-performance-store.fixture.ts';
import { SettlementServiceError } from './service-error.ts';
import type { NodeId } from '@ciro/core/ids.ts';
import type { EpochCorrection, EpochData } from '@ciro/core/settlement/epoch.ts';
import type { EpochStatus, EpochSummary, SettlementBook, SettlementStore, StoredEpoch } from './ports.ts';

/** An outbox in memory for tests. `crash` is asked before and after each write. */
export class MemorySettlementStore implements SettlementStore {
  readonly #crash: (step: string) => void;
  readonly performance: MemoryPerformanceStore;
  #book: SettlementBook | undefined;
  readonly #epochs: { data: EpochData; closedAt: number; status: EpochStatus }[] = [];
  readonly #payouts = new Map<NodeId, string>();
  readonly #corrections = new Map<string, EpochCorrection & { used: boolean }>();

  constructor(crash: (step: string) => void = () => undefined) {
    this.#crash = crash;
    this.performance = new MemoryPerformanceStore(crash);
  }

  async book(): Promise<SettlementBook | undefined> {
    return structuredClone(this.#book);
  }
  async openBook(book: SettlementBook): Promise<void> {
    this.#crash('book');
    if (this.#book !== undefined) {
      this.#epochs.splice(0);
      this.performance.clear();
    }
    this.#book = structuredClone(book);
    this.#crash('booked');
  }
  async close(epoch: EpochData, at: number): Promise<void> {
    this.#crash('close');
    if (epoch.epoch !== this.#epochs.length + 1) throw new SettlementServiceError('out-of-order', `epoch ${epoch.epoch} after ${this.#epochs.length}`, { fault: 'bug' });
    this.#epochs.push({ data: structuredClone(epoch), closedAt: at, status: { state: 'closed', transaction: null, block: null, postedAt: null } });
    for (const { name } of epoch.corrections) {
      const correction = this.#corrections.get(name);
      if (correction !== undefined) correction.used = true;
    }
    this.#crash('closed');
  }
  async mark(epoch: number, { state, transaction, block, postedAt }: EpochStatus): Promise<void> {
    this.#crash('mark');
    const found = this.#epochs[epoch - 1];
    if (found !== undefined) found.status = { state, transaction, block, postedAt };
    this.#crash('marked');
  }
  async list(limit: number): Promise<StoredEpoch[]> {
    return this.#epochs.map(({ data, closedAt, status }) => ({ summary: summaryOf(data), closedAt, ...status })).reverse().slice(0, limit);
  }
  async find(epoch: number): Promise<StoredEpoch | undefined> {
    return (await this.list(Number.MAX_SAFE_INTEGER)).find(({ summary }) => summary.epoch === epoch);
  }
  async data(epoch: number): Promise<EpochData | undefined> {
    return structuredClone(this.#epochs[epoch - 1]?.data);
  }
  async payouts(nodes: readonly NodeId[]): Promise<Map<NodeId, string>> {
    return new Map(nodes.flatMap((node): [NodeId, string][] => (this.#payouts.has(node) ? [[node, this.#payouts.get(node) ?? '']] : [])));
  }
  async bindPayouts(bound: ReadonlyMap<NodeId, string>): Promise<void> {
    this.#crash('bind');
    for (const [node, account] of bound) if (!this.#payouts.has(node)) this.#payouts.set(node, account);
    this.#crash('bound');
  }
  async addCorrection(correction: EpochCorrection): Promise<void> {
    this.#crash('correction');
    if (!this.#corrections.has(correction.name)) this.#corrections.set(correction.name, { ...correction, used: false });
  }
  async waitingCorrections(): Promise<EpochCorrection[]> {
    return [...this.#corrections.values()].flatMap(({ used, ...correction }) => (used ? [] : [correction]));
  }
}

export function summaryOf({ entries: _entries, corrections: _corrections, ...summary }: EpochData): EpochSummary {
  return summary;
}
