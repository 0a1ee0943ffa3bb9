import { createParser } from 'eventsource-parser';
import * as v from 'valibot';

/** Characters of one event: a correction carries the whole answer. */
const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;

/** What happens to a job after it was asked, as far as the page makes something of it. */
const JobEvent = v.variant('type', [
  /** The roots are in: a nonce that was committed to is opened now (SPEC A2). */
  v.object({ type: v.literal('recorded') }),
  v.object({ type: v.literal('audited') }),
  /** A tab left; another job goes on with the answer. */
  v.object({ type: v.literal('moved'), job: v.string() }),
  v.object({ type: v.literal('corrected'), job: v.string(), text: v.string() }),
  v.object({ type: v.literal('settled') }),
]);
export type JobEvent = v.InferOutput<typeof JobEvent>;

/** Reads the server-sent events of a job until they end. Kinds that are not known here are skipped. */
export async function* jobEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<JobEvent> {
  const ready: JobEvent[] = [];
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data }) => {
      const event = v.safeParse(v.pipe(v.string(), v.parseJson(), JobEvent), data);
      if (event.success) ready.push(event.output);
    },
  });
  const decoder = new TextDecoder();
  for await (const bytes of chunksOf(body)) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* ready.splice(0);
  }
}

/** Not every browser can iterate over a stream by itself. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
