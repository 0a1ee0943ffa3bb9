import { Readable } from 'node:stream';
import { ChunkFormat, completionOf } from './chat-format.ts';
import { heartbeats } from './heartbeats.ts';
import { joinLink } from './join-link.ts';
import { openAiError } from './openai-error.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { Answer, AnswerEvent } from '../intake/answer.ts';
import type { Intake } from '../intake/intake.ts';
import type { AddressLimits } from './address-limits.ts';
import type { Beating } from './heartbeats.ts';

/** Body of a chat request: the longest context we serve (131,072 tokens) in about four bytes a token. */
export const MAX_CHAT_BODY_BYTES = 512 * 1024;
/** Comments in a waiting stream: proxies close connections that are silent for 30 to 60 s. */
export const HEARTBEAT_MS = 15_000;

export interface ChatRouteDependencies {
  readonly accounts: Accounts;
  readonly intake: Intake;
  readonly limits: AddressLimits;
  /** Where tabs join, if a proxy serves us. */
  readonly publicUrl?: URL;
}

/** `POST /v1/chat/completions`, streaming and not. */
export function chatRoute(app: FastifyInstance, { accounts, intake, limits, publicUrl }: ChatRouteDependencies): void {
  app.post('/v1/chat/completions', { bodyLimit: MAX_CHAT_BODY_BYTES }, async (request, reply) => {
    const account = await accounts.authenticate(request.headers.authorization);
    limits.take(request.ip);
    const answer = await intake.ask(request.body, account);
    cancelWhenGone(reply, answer);
    reply.header('x-ciro-job', answer.job);
    return answer.request.stream ? stream(request, reply, answer, joinLink(request, publicUrl)) : reply.send(await whole(answer));
  });
}

/** A client that hangs up pays for what it was sent and no more. */
function cancelWhenGone(reply: FastifyReply, answer: Answer): void {
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) answer.cancel();
  });
}

async function whole(answer: Answer): Promise<object> {
  let text = '';
  for await (const event of answer.events) {
    if (event.type === 'text') text += event.text;
    if (event.type === 'end') return completionOf(answer, text, event);
  }
  throw new TypeError(`the events of job ${answer.job} ended without an end`);
}

/**
 * Server-sent events. The status is sent only when the job was placed, or a heartbeat is due: until then a refusal (a full
 * queue, nobody there) is an HTTP error that client libraries know how to retry.
 */
async function stream(request: FastifyRequest, reply: FastifyReply, answer: Answer, joinUrl: string | undefined): Promise<FastifyReply> {
  const events = heartbeats(answer.events, HEARTBEAT_MS);
  let first = await events.next();
  while (first.done !== true && first.value !== 'beat' && first.value.event.type === 'queued') first = await events.next();
  const body = Readable.from(lines(request, answer, { joinUrl, first, events }), { objectMode: false });
  return reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-store').header('x-accel-buffering', 'no').send(body);
}

/** What is streamed: the event that was waited for, and those after it. */
interface Begun {
  readonly joinUrl: string | undefined;
  readonly first: IteratorResult<Beating<AnswerEvent>>;
  readonly events: AsyncGenerator<Beating<AnswerEvent>>;
}

async function* lines(request: FastifyRequest, answer: Answer, { joinUrl, first, events }: Begun): AsyncGenerator<string> {
  const chunks = new ChunkFormat(answer);
  yield data(chunks.role());
  try {
    for (let next = first; next.done !== true; next = await events.next()) {
      if (next.value === 'beat') {
        yield ': waiting\n\n';
        continue;
      }
      const { event } = next.value;
      if (event.type === 'queued') yield `: ${event.ahead} ahead\n\n`;
      else if (event.type === 'moving') yield ': moving layers\n\n';
      else if (event.type === 'text') yield data(chunks.text(event.text));
      else if (event.type === 'end') for (const chunk of chunks.end(event)) yield data(chunk);
    }
    yield 'data: [DONE]\n\n';
  } catch (error) {
    // The status is out: the error goes into the stream, which ends without [DONE] so that nobody takes it for whole.
    const { status, body } = openAiError(error, joinUrl);
    if (status === 500) request.log.error({ err: error, job: answer.job }, 'an answer failed');
    yield data(body);
  }
}

const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
