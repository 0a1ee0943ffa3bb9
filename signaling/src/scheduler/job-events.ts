import type { JobEvent } from './job-order.ts';

/**
 * Events of one job for its one reader. Holds what was not read yet: bounded, because a job has at most `maxTokens` tokens
 * and a handful of other events.
 */
export class JobEvents implements AsyncIterable<JobEvent> {
  readonly #waiting: JobEvent[] = [];
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;
  #onEnd: () => void = () => undefined;

  push(event: JobEvent): void {
    if (this.#end !== undefined) return;
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** Nothing follows; with an error the reader's loop throws it after the last event. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    this.#wake?.();
    this.#onEnd();
  }

  /** Nothing more will be read: it ended, or was called off. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Calls `task` when the events end. */
  onEnd(task: () => void): void {
    this.#onEnd = task;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) yield event;
      else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
