import { AuditError } from './audit-error.ts';
import { MAX_HELD_BYTES, MAX_JOBS_UNDER_AUDIT, MAX_WAITING_JOBS } from './audit-limits.ts';

/** A job's share of the desk. */
export interface Admission {
  /** Gives bytes back that this job will not hold any more. */
  shrink(bytes: number): void;
  /** Gives everything back. */
  leave(): void;
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

export interface GateLimits {
  readonly jobs: number;
  readonly bytes: number;
  readonly waiting: number;
}

/**
 * Bounds what is under audit at a time. Jobs past the bounds wait for their draw, first come first served; none is passed over.
 * One that needs more bytes than there are goes when nothing else is held.
 */
export class AuditGate {
  readonly #limits: GateLimits;
  readonly #waiting = new Set<Waiting>();
  #jobs = 0;
  #bytes = 0;

  constructor(limits: GateLimits = { jobs: MAX_JOBS_UNDER_AUDIT, bytes: MAX_HELD_BYTES, waiting: MAX_WAITING_JOBS }) {
    this.#limits = limits;
  }

  /** Resolves when there is room. Throws AuditError `full` at once when too many wait; rejects with the signal's reason. */
  async enter(bytes: number, signal: AbortSignal): Promise<Admission> {
    signal.throwIfAborted();
    if (this.#waiting.size > 0 || !this.#fits(bytes)) {
      if (this.#waiting.size >= this.#limits.waiting) throw new AuditError('full', `${this.#waiting.size} jobs wait for their audit draw already; this one stays pending until the coordinator starts again`, { fault: 'platform', fields: { waiting: this.#waiting.size } });
      await this.#turn(bytes, signal);
    } else this.#take(bytes);
    let held = bytes;
    let inside = true;
    const give = (count: number): void => {
      const given = Math.min(held, count);
      held -= given;
      this.#bytes -= given;
      this.#admit();
    };
    return {
      shrink: give,
      leave: () => {
        if (!inside) return;
        inside = false;
        this.#jobs--;
        give(held);
      },
    };
  }

  #turn(bytes: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { bytes, enter: resolve };
    const onAbort = (): void => {
      this.#waiting.delete(waiting);
      reject(signal.reason);
    };
    this.#waiting.add(waiting);
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      if (!this.#fits(waiting.bytes)) return;
      this.#waiting.delete(waiting);
      this.#take(waiting.bytes);
      waiting.enter();
    }
  }

  #fits(bytes: number): boolean {
    return this.#jobs < this.#limits.jobs && (this.#jobs === 0 || this.#bytes + bytes <= this.#limits.bytes);
  }

  #take(bytes: number): void {
    this.#jobs++;
    this.#bytes += bytes;
  }
}
