import type { NodeId } from '@ciro/core/ids.ts';
import { LATE_LOOK_MS, ONE_LAP_MS, PROBE_AFTER_LAPS, PROBE_AFTER_MS, PROBE_REPLY_LAPS, PROBE_REPLY_MS, UNPACED_REPLY_MS } from './scheduler-limits.ts';

/** Of a lap that was slow, this much counts at the next one: one quick lap says little about a shared processor. */
const LAP_DECAY = 0.8;

/** What is to be done about a ring from which nothing came. */
export type RingDoubt = { readonly probe: readonly NodeId[] } | { readonly silent: readonly NodeId[] };

/**
 * Finds the workers of a job that are gone without having said so (SPEC G3): when no id came for a while, all of them are asked,
 * and who does not answer in time is silent. Sans-I/O, as the job machine that owns it.
 */
export class RingWatch {
  readonly #workers: readonly NodeId[];
  /** When an id came last, or everybody answered; and when the first id of the newest lap came. */
  #heardAt: number;
  #idAt: number | undefined;
  #lapMs: number | undefined;
  #asked: { readonly waiting: Set<NodeId>; readonly until: number; readonly again?: boolean } | undefined;

  constructor(workers: readonly NodeId[], now: number) {
    this.#workers = workers;
    this.#heardAt = now;
  }

  /** How long a lap takes, a slow one remembered for some laps (ms); 0 before two ids came. */
  get lapMs(): number {
    return this.#lapMs ?? 0;
  }

  /** When `tick` is due, in milliseconds. */
  get deadline(): number {
    return this.#asked?.until ?? this.#heardAt + PROBE_AFTER_MS + PROBE_AFTER_LAPS * (this.#lapMs ?? 0);
  }

  /** An id came round the ring: everybody is there. */
  lapped(now: number): void {
    this.#heardAt = now;
    this.#asked = undefined;
    if (this.#idAt !== undefined && now - this.#idAt < ONE_LAP_MS) return;
    if (this.#idAt !== undefined) this.#lapMs = Math.max(now - this.#idAt, LAP_DECAY * (this.#lapMs ?? 0));
    this.#idAt = now;
  }

  /** A worker answered; true when it was the last one. One that was not asked changes nothing. */
  alive(worker: NodeId, now: number): boolean {
    this.#asked?.waiting.delete(worker);
    if (this.#asked?.waiting.size !== 0) return false;
    this.#asked = undefined;
    this.#heardAt = now;
    return true;
  }

  /** Asks everybody now, unless they are asked already. */
  ask(now: number): readonly NodeId[] {
    if (this.#asked !== undefined) return [];
    const patience = this.#lapMs === undefined ? UNPACED_REPLY_MS : PROBE_REPLY_MS + PROBE_REPLY_LAPS * this.#lapMs;
    this.#asked = { waiting: new Set(this.#workers), until: now + patience };
    return this.#workers;
  }

  tick(now: number): RingDoubt | undefined {
    if (now < this.deadline) return undefined;
    if (this.#asked === undefined) return { probe: this.ask(now) };
    const lateMs = now - this.#asked.until;
    if (lateMs > LATE_LOOK_MS && this.#asked.again !== true) {
      this.#asked = { waiting: this.#asked.waiting, until: now + lateMs, again: true };
      return undefined;
    }
    const silent = [...this.#asked.waiting];
    this.#asked = undefined;
    this.#heardAt = now;
    return { silent };
  }
}
