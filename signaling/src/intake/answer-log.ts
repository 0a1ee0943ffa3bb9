import { IntakeError } from './intake-error.ts';
import type { AnswerEvent } from './answer.ts';

/** Readers of one answer at a time: each holds a connection open, and a client needs one, or two while it finds out that one is dead. */
export const MAX_READERS = 8;
const RETRY_AFTER_MS = 5_000;

/**
 * Events of one answer, from its beginning, for whoever reads it. Bounded by the job: at most one text a token, and a handful more.
 * The writer never waits, so a client that does not read cannot hold up the job.
 */
export class AnswerLog {
  readonly #events: AnswerEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #end: { readonly error?: unknown } | undefined;
  #readers = 0;
  #over: () => void = () => undefined;
  /** Resolves when nothing follows. */
  readonly over = new Promise<void>((resolve) => (this.#over = resolve));

  push(event: AnswerEvent): void {
    if (this.#end === undefined) this.#events.push(event);
    this.#wake();
  }

  /** Nothing follows; an error is thrown to every reader after the last event. */
  end(...error: readonly [error?: unknown]): void {
    this.#end ??= error.length === 0 ? {} : { error: error[0] };
    this.#over();
    this.#wake();
  }

  /** Everything so far, then what comes, until the end or until the signal aborts. Throws `too_many_followers` at once. */
  read(signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    if (this.#readers >= MAX_READERS) throw new IntakeError('too_many_followers', `${this.#readers} others read this answer; close one of them, or ask again in a few seconds`, { fault: 'user', fields: { retryAfterMs: RETRY_AFTER_MS } });
    this.#readers++;
    let here = true;
    // A generator that nobody began runs no `finally`: the signal counts as leaving, too.
    const leave = (): void => {
      if (here) this.#readers--;
      here = false;
    };
    signal.addEventListener('abort', leave, { once: true });
    return this.#follow(signal, leave);
  }

  async *#follow(signal: AbortSignal, leave: () => void): AsyncGenerator<AnswerEvent> {
    try {
      for (let next = 0; !signal.aborted; ) {
        const event = this.#events[next];
        if (event !== undefined) {
          next++;
          yield event;
        } else if (this.#end === undefined) await this.#change(signal);
        else if ('error' in this.#end) throw this.#end.error;
        else return;
      }
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }
}
