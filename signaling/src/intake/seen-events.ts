import type { JobEvent } from '../scheduler/job-order.ts';

/**
 * A job's events, each shown to `see` on its way; `failed` hears what their reader is thrown. The reader's calls are passed on: a generator of its own
 * would cost every token two turns of the event loop's queue.
 */
export function seenEvents(events: AsyncIterable<JobEvent>, see: (event: JobEvent) => void, failed: (error: unknown) => void = () => undefined): AsyncIterable<JobEvent> {
  const seen = (result: IteratorResult<JobEvent>): IteratorResult<JobEvent> => {
    if (result.done !== true) see(result.value);
    return result;
  };
  const thrown = (error: unknown): never => {
    failed(error);
    throw error;
  };
  return {
    [Symbol.asyncIterator]: () => {
      const source = events[Symbol.asyncIterator]();
      return { next: () => source.next().then(seen, thrown), return: () => source.return?.() ?? Promise.resolve({ done: true, value: undefined }) };
    },
  };
}
