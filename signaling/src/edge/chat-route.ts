import { completionOf } from './chat-format.ts';
import { streamAnswer } from './answer-stream.ts';
import { joinLink } from './join-link.ts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { Answer, AnswerEvent } from '../intake/answer.ts';
import type { Intake } from '../intake/intake.ts';
import type { AddressLimits } from './address-limits.ts';

/** Body of a chat request: the longest context we serve (131,072 tokens) in about four bytes a token. */
export const MAX_CHAT_BODY_BYTES = 512 * 1024;

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
    const { stream, keepGoing } = answer.request;
    const events = answer.read(whenGone(reply, answer));
    reply.header('x-ciro-job', answer.job);
    if (!stream) return reply.send(await whole(answer, events));
    // Whoever wants to read on after a break has to know the job from the beginning.
    return streamAnswer(request, reply, answer, events, { from: 0, numbered: keepGoing, atOnce: keepGoing, joinUrl: joinLink(request, publicUrl) });
  });
}

/** A client that hangs up pays for what it was sent and no more, unless it asked that the answer go on (SPEC G7). */
function whenGone(reply: FastifyReply, answer: Answer): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    gone.abort();
    if (!reply.raw.writableFinished && !answer.request.keepGoing) answer.cancel();
  });
  return gone.signal;
}

async function whole(answer: Answer, events: AsyncIterable<AnswerEvent>): Promise<object> {
  let text = '';
  for await (const event of events) {
    if (event.type === 'text') text += event.text;
    if (event.type === 'end') return completionOf(answer, text, event);
  }
  throw new TypeError(`the events of job ${answer.job} ended without an end`);
}
