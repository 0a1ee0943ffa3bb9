import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { ApiError, errorIn } from './api-error.ts';

/** What a stream of an answer says, in this order: queued* (text | moving)* finish? usage?; then it ends. */
export type AnswerEvent =
  /** So many questions are answered before this one. */
  | { readonly type: 'queued'; readonly ahead: number }
  | { readonly type: 'text'; readonly piece: string }
  /** A tab left; the answer goes on with the next text. */
  | { readonly type: 'moving' }
  | { readonly type: 'finish'; readonly reason: string }
  | { readonly type: 'usage'; readonly promptTokens: number; readonly completionTokens: number; readonly cachedTokens?: number };

/** Characters of one event: a chunk of one token is some hundred bytes, the longest error message 1 kB. */
const MAX_EVENT_CHARACTERS = 64 * 1024;

/** The coordinator tells the place in its queue, and that layers move, in comments, which other clients skip. */
const AHEAD = /^\s*(\d{1,6}) ahead/;
const MOVING = /^\s*moving layers/;

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Chunk = v.object({
  choices: v.array(v.object({ delta: v.optional(v.object({ content: v.nullish(v.string()) })), finish_reason: v.nullish(v.string()) })),
  usage: v.nullish(v.object({ prompt_tokens: Count, completion_tokens: Count, prompt_tokens_details: v.nullish(v.object({ cached_tokens: v.optional(Count) })) })),
});

/**
 * Reads the server-sent events of a chat completion, whatever pieces its bytes come in. Throws ApiError: the coordinator's
 * own when it says so in the stream, `broken_stream` when it ends without `[DONE]` or carries what is no chunk.
 */
export async function* answerEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<AnswerEvent> {
  const ready: AnswerEvent[] = [];
  let done = false;
  let failure: ApiError | undefined;
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data }) => {
      if (data === '[DONE]') done = true;
      else if (failure === undefined) failure = read(data, ready);
    },
    onComment: (comment) => {
      const ahead = AHEAD.exec(comment)?.[1];
      if (ahead !== undefined) ready.push({ type: 'queued', ahead: Number(ahead) });
      else if (MOVING.test(comment)) ready.push({ type: 'moving' });
    },
    onError: (error) => {
      // Lines that are no field of an event are to be ignored (WHATWG HTML 9.2.6); an endless one is not.
      if (error.type === 'max-buffer-size-exceeded') failure ??= broken(`an event of more than ${MAX_EVENT_CHARACTERS} characters`);
    },
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* ready.splice(0);
      if (failure !== undefined) throw failure;
    }
  } finally {
    // A reader that stops early tells the coordinator so: it ends the job and charges what was made.
    await reader.cancel().catch(() => undefined);
  }
  if (!done) throw broken('it ended without [DONE]');
}

/** Adds what an event says to `into`, or gives the error in it. */
function read(data: string, into: AnswerEvent[]): ApiError | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return broken(`an event is not JSON: ${data.slice(0, 80)}`);
  }
  const error = errorIn(value, 200);
  if (error !== undefined) return error;
  const chunk = v.safeParse(Chunk, value);
  if (!chunk.success) return broken(`an event is no chunk of a completion: ${chunk.issues[0].message}`);
  for (const { delta, finish_reason: reason } of chunk.output.choices) {
    if (typeof delta?.content === 'string' && delta.content !== '') into.push({ type: 'text', piece: delta.content });
    if (typeof reason === 'string') into.push({ type: 'finish', reason });
  }
  const { usage } = chunk.output;
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
  if (usage != null) into.push({ type: 'usage', promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens, ...(cached > 0 && { cachedTokens: cached }) });
  return undefined;
}

const broken = (what: string): ApiError => new ApiError('broken_stream', `the answer broke off: ${what}`, { status: 200 });
