import { AUDIT_ENGINE_WARM_MS } from './audit-limits.ts';
import type { AuditEngine } from './audit-ports.ts';

interface Held {
  readonly key: string;
  readonly engine: AuditEngine;
}

/** The one engine that audits have: kept for a while after each, because audits of the same layers often follow one another. */
export class WarmEngine {
  readonly #wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  #held: Held | undefined;
  #inUse = false;
  #unwanted = false;
  #cooling = new AbortController();

  constructor(wait: (milliseconds: number, signal: AbortSignal) => Promise<void>) {
    this.#wait = wait;
  }

  get heldBytes(): number {
    return this.#held?.engine.heldBytes ?? 0;
  }

  /** What is loaded, if it has this name: then nothing more is needed for it but its caches. */
  has(key: string): boolean {
    return this.#held?.key === key;
  }

  /** The engine of this name, loaded if need be; another one is given up first, since both may not fit. One user at a time. */
  async acquire(key: string, load: () => Promise<AuditEngine>): Promise<AuditEngine> {
    this.#cooling.abort();
    this.#inUse = true;
    this.#unwanted = false;
    try {
      if (this.#held?.key !== key) {
        await this.#drop();
        this.#held = { key, engine: await load() };
      }
      return this.#held.engine;
    } catch (error) {
      this.#inUse = false;
      throw error;
    }
  }

  /** The user is done: the engine is disposed of in AUDIT_ENGINE_WARM_MS, or now when it is not wanted any more. */
  async release(): Promise<void> {
    this.#inUse = false;
    if (this.#unwanted) return this.#drop();
    const { signal } = (this.#cooling = new AbortController());
    void this.#wait(AUDIT_ENGINE_WARM_MS, signal).then(() => (signal.aborted ? undefined : this.#drop()));
  }

  /** Its memory is needed: it goes now, or as soon as its user has stopped. */
  async giveUp(): Promise<void> {
    this.#unwanted = true;
    if (!this.#inUse) await this.#drop();
  }

  async #drop(): Promise<void> {
    this.#cooling.abort();
    const held = this.#held;
    this.#held = undefined;
    await held?.engine.dispose();
  }
}
