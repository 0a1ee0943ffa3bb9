import { signalOf } from './ask-door.ts';
import { streamAnswer } from './answer-stream.ts';
import { wholeOf } from './whole-answer.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../intake/answer.ts';
import type { AskDoor } from './ask-door.ts';
import type { AnswerEnd } from './chat-format.ts';
import type { StreamFormat } from './stream-format.ts';

/** How one API gives an answer. */
export interface AnswerFormat {
  whole(text: string, end: AnswerEnd): object;
  readonly stream: StreamFormat;
}

/** Sends an answer whole or as a stream, as it was asked for, in the words of an API; names its job (SPEC I6). */
export async function giveAnswer(request: FastifyRequest, reply: FastifyReply, { door, answer, format }: { readonly door: AskDoor; readonly answer: Answer; readonly format: (trackingUrl: string) => AnswerFormat }): Promise<FastifyReply> {
  const { stream, keepGoing } = answer.request;
  const events = answer.read(signalOf(reply, answer));
  if (answer.command === undefined) reply.header('x-ciro-job', answer.job);
  const said = format(door.trackingUrl(request, answer));
  if (!stream) {
    const { text, end } = await wholeOf(answer, events);
    return reply.send(said.whole(text, end));
  }
  // Whoever wants to read on after a break has to know the job from the beginning.
  return streamAnswer(request, reply, { job: answer.job, events, format: said.stream }, { from: 0, numbered: keepGoing, atOnce: keepGoing, joinUrl: door.joinUrl(request) });
}
