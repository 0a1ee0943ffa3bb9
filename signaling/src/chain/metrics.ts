import { RelayerError } from './relayer-error.ts';

/** What the relayer did since it started, and what it does at the moment. Amounts in fri as decimal text. */
export interface MetricsSnapshot {
  /** Builds and executions by outcome: `ok`, or the code of the refusal (`internal` for a bug). */
  readonly builds: Readonly<Record<string, number>>;
  readonly executions: Readonly<Record<string, number>>;
  readonly transactions: { readonly sent: number; readonly succeeded: number; readonly reverted: number; readonly dropped: number; readonly actionsTogether: number };
  readonly feesFri: string;
  readonly today: { readonly spentFri: string; readonly reservedFri: string; readonly limitFri: string };
  /** Actions that wait for a sender, and senders with a transaction under way. */
  readonly queued: number;
  readonly busySenders: number;
}

/** Counters; written by the rooms' parts in passing. */
export class Metrics {
  readonly #builds = new Map<string, number>();
  readonly #executions = new Map<string, number>();
  sent = 0;
  succeeded = 0;
  reverted = 0;
  dropped = 0;
  /** Actions that shared their transaction with others. */
  actionsTogether = 0;
  feesFri = 0n;

  /** Counts one request by how it ended, and passes its result or its error on. */
  async count<T>(what: 'builds' | 'executions', task: () => Promise<T>): Promise<T> {
    const counts = what === 'builds' ? this.#builds : this.#executions;
    const add = (outcome: string): void => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    try {
      const result = await task();
      add('ok');
      return result;
    } catch (error) {
      add(error instanceof RelayerError ? error.code : 'internal');
      throw error;
    }
  }

  snapshot(gauges: Pick<MetricsSnapshot, 'today' | 'queued' | 'busySenders'>): MetricsSnapshot {
    const { sent, succeeded, reverted, dropped, actionsTogether } = this;
    return {
      builds: Object.fromEntries(this.#builds),
      executions: Object.fromEntries(this.#executions),
      transactions: { sent, succeeded, reverted, dropped, actionsTogether },
      feesFri: String(this.feesFri),
      ...gauges,
    };
  }
}
