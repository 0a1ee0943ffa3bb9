import type { EscrowId } from '@ciro/core/settlement/escrow.ts';
import type { Deferred, Escrow, EscrowStore } from './ports.ts';

/** Escrows in memory, for tests. `crash` is asked before and after each change. */
export class MemoryEscrowStore implements EscrowStore {
  readonly #escrows = new Map<EscrowId, Escrow>();
  readonly #deferred = new Map<string, { readonly id: EscrowId; readonly deferred: Deferred }>();
  readonly #crash: (step: string) => void;

  constructor(crash: (step: string) => void = () => undefined) {
    this.#crash = crash;
  }

  async add(escrow: Escrow): Promise<boolean> {
    if (this.#escrows.has(escrow.id)) return false;
    this.#change('add', () => this.#escrows.set(escrow.id, escrow));
    return true;
  }
  async find(id: EscrowId): Promise<Escrow | undefined> {
    return this.#escrows.get(id);
  }
  async change(id: EscrowId, change: Partial<Escrow>): Promise<void> {
    const found = this.#escrows.get(id);
    if (found !== undefined) this.#change('change', () => this.#escrows.set(id, { ...found, ...change }));
  }
  async drop(id: EscrowId): Promise<void> {
    this.#change('drop', () => this.#escrows.delete(id));
  }
  async open(): Promise<readonly Escrow[]> {
    return [...this.#escrows.values()].filter((escrow) => !isFinal(escrow)).sort((a, b) => a.acceptedAt - b.acceptedAt);
  }
  async defer(id: EscrowId, deferred: Deferred): Promise<void> {
    const key = causeOf(deferred);
    if (!this.#deferred.has(key)) this.#change('defer', () => this.#deferred.set(key, { id, deferred }));
  }
  async due(limit: number): Promise<readonly { readonly escrow: Escrow; readonly deferred: Deferred }[]> {
    return [...this.#deferred.values()].flatMap(({ id, deferred }) => {
      const escrow = this.#escrows.get(id);
      return escrow !== undefined && isFinal(escrow) ? [{ escrow, deferred }] : [];
    }).slice(0, limit);
  }
  async done(_id: EscrowId, deferred: Deferred): Promise<void> {
    this.#change('done', () => this.#deferred.delete(causeOf(deferred)));
  }

  #change(step: string, change: () => void): void {
    this.#crash(step);
    change();
    this.#crash(`${step} stored`);
  }
}

const isFinal = ({ state }: Escrow): boolean => state === 'settled' || state === 'refunded';
const causeOf = (deferred: Deferred): string => (deferred.kind === 'audit' ? `audit:${deferred.audit}` : `payable:${deferred.job}:${deferred.worker}`);
