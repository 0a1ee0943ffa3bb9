import { Readable } from 'node:stream';
import { heartbeats } from './heartbeats.ts';
import { openAiError } from './openai-error.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerEvent } from '../intake/answer.ts';
import type { Beating } from './heartbeats.ts';
import type { StreamFormat } from './stream-format.ts';

/** Comments in a waiting stream: proxies close connections that are silent for 30 to 60 s. */
export const HEARTBEAT_MS = 15_000;

/** An answer that is to be streamed, in the words of an API. */
export interface StreamedAnswer {
  readonly job: string;
  readonly events: AsyncIterable<AnswerEvent>;
  readonly format: StreamFormat;
}

/** How an answer is streamed. */
export interface StreamWish {
  /** UTF-16 code units of text that the reader has already. */
  readonly from: number;
  /** Names with each text how much of the answer it ends at (SPEC G7). Left out for clients that could do nothing with it. */
  readonly numbered: boolean;
  /** Answers at once: what goes wrong while the job waits is said in the stream. */
  readonly atOnce: boolean;
  /** Where tabs join, for errors that ask for more of them. */
  readonly joinUrl: string | undefined;
}

/**
 * Server-sent events of an answer. Unless `atOnce`, the status is sent only when the job was placed, or a heartbeat is due: until then a refusal (a full
 * queue, nobody there) is an HTTP error that client libraries know how to retry.
 */
export async function streamAnswer(request: FastifyRequest, reply: FastifyReply, answer: StreamedAnswer, wish: StreamWish): Promise<FastifyReply> {
  const events = heartbeats(answer.events, HEARTBEAT_MS);
  let first = await events.next();
  while (!wish.atOnce && first.done !== true && first.value !== 'beat' && first.value.event.type === 'queued') first = await events.next();
  const body = Readable.from(lines(request, answer, first, { events, wish }), { objectMode: false });
  return reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-store').header('x-accel-buffering', 'no').send(body);
}

async function* lines(request: FastifyRequest, { job, format }: StreamedAnswer, first: IteratorResult<Beating<AnswerEvent>>, { events, wish }: { readonly events: AsyncGenerator<Beating<AnswerEvent>>; readonly wish: StreamWish }): AsyncGenerator<string> {
  let at = 0;
  for (const said of format.begin()) yield data(said);
  try {
    for (let next = first; next.done !== true; next = await events.next()) {
      if (next.value === 'beat') {
        yield ': waiting\n\n';
        continue;
      }
      const { event } = next.value;
      if (event.type === 'queued') yield `: ${event.ahead} ahead\n\n`;
      else if (event.type === 'moving') yield ': moving layers\n\n';
      else if (event.type === 'text') {
        const fresh = event.text.slice(Math.max(0, wish.from - at));
        at += event.text.length;
        if (fresh !== '') for (const said of format.text(fresh)) yield (wish.numbered ? `id: ${at}\n` : '') + data(said);
      } else if (event.type === 'end') for (const said of format.end(event)) yield data(said);
    }
    if (format.done !== undefined) yield `data: ${format.done}\n\n`;
  } catch (error) {
    // The status is out: the error goes into the stream, which ends without its last event so that nobody takes it for whole.
    const { status, body } = openAiError(error, wish.joinUrl);
    if (status === 500) request.log.error({ err: error, job }, 'an answer failed');
    for (const said of format.failed(body)) yield data(said);
  }
}

/** One event, under the name that its `type` gives it. */
function data(value: object): string {
  const name = 'type' in value && typeof value.type === 'string' ? `event: ${value.type}\n` : '';
  return `${name}data: ${JSON.stringify(value)}\n\n`;
}
