import type { InstanceSays, InstanceStore, Seat, StoredInstance } from './instance.ts';

interface Row {
  readonly number: number;
  readonly name: string;
  readonly url: string;
  readonly publicKey: string;
  says: InstanceSays;
  successor: number | null;
}

/** A database of instances in memory, for tests: who is connected, who leads, and what can go wrong. */
export class MemoryInstances {
  readonly rows: Row[] = [];
  readonly connected = new Set<string>();
  leader: string | undefined;
  /** Set to let every call fail. */
  unreachable = false;

  readonly store: InstanceStore = {
    enter: async ({ name, url, publicKey }) => {
      const number = this.rows.length + 1;
      this.rows.push({ number, name, url, publicKey, says: { draining: false, leads: false, workers: 0, missing: 0, rings: 0, jobs: 0 }, successor: null });
      return number;
    },
    say: async (number, says) => {
      if (this.unreachable) throw new Error('the database does not answer');
      this.#row(number).says = says;
    },
    list: async () => this.rows.map(({ number, name, url, says, successor }): StoredInstance => ({ number, url, said: says, alive: this.connected.has(name), successor })),
    publicKeyOfOthers: async (number) => this.rows.find((row) => row.number !== number && this.connected.has(row.name))?.publicKey,
    succeed: async (numbers, by) => {
      for (const number of numbers) this.#row(number).successor = by;
    },
  };

  /** A process that connects; `cut` ends its connection. */
  seat(name: string): { readonly seat: Seat; readonly cut: () => void } {
    const { promise: lost, resolve } = Promise.withResolvers<void>();
    this.connected.add(name);
    const lead = async (): Promise<boolean> => (this.leader ??= name) === name;
    return { seat: { name, lead, lost }, cut: () => (this.kill(name), resolve()) };
  }

  /** A process that is gone. */
  kill(name: string): void {
    this.connected.delete(name);
    if (this.leader === name) this.leader = undefined;
  }

  #row(number: number): Row {
    const found = this.rows.find((row) => row.number === number);
    if (found === undefined) throw new TypeError(`no instance ${number}`);
    return found;
  }
}
