import type { AnswerEvent } from './answer.ts';

/**
 * Events of one answer on their way to its one reader. Bounded by the job: at most one text a token, and a handful more. The
 * writer never waits, so a client that does not read cannot hold up the job.
 */
export class AnswerQueue implements AsyncIterable<AnswerEvent> {
  readonly #waiting: AnswerEvent[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: () => void = () => undefined;

  push(event: AnswerEvent): void {
    if (this.#end === undefined) this.#waiting.push(event);
    this.#wake();
  }

  /** Nothing follows; an error is thrown to the reader after the last event. */
  end(...error: readonly [error?: unknown]): void {
    this.#end ??= error.length === 0 ? {} : { error: error[0] };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AnswerEvent> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) {
        yield event;
        continue;
      }
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
