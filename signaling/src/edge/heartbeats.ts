/** The next event, or `beat` when none came for a while. */
export type Beating<T> = { readonly event: T } | 'beat';

/** Passes events on, and says so when `everyMs` go by without one: what keeps proxies and clients from hanging up. */
export async function* heartbeats<T>(events: AsyncIterable<T>, everyMs: number): AsyncGenerator<Beating<T>> {
  const iterator = events[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const beat = new Promise<'beat'>((resolve) => (timer = setTimeout(resolve, everyMs, 'beat')));
      const result = await Promise.race([next, beat]).finally(() => clearTimeout(timer));
      if (result === 'beat') {
        yield 'beat';
        continue;
      }
      if (result.done === true) return;
      yield { event: result.value };
      next = iterator.next();
    }
  } finally {
    // The reader may leave while an event is being waited for; what it would have thrown concerns nobody any more.
    next.catch(() => undefined);
  }
}
