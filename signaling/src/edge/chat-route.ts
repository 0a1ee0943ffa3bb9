import { MAX_ASK_BODY_BYTES, signalOf } from './ask-door.ts';
import { completionOf } from './chat-format.ts';
import { streamAnswer } from './answer-stream.ts';
import { wholeOf } from './whole-answer.ts';
import { parseChatRequest } from '../intake/chat-request.ts';
import type { FastifyInstance } from 'fastify';
import type { AskDoor } from './ask-door.ts';

/** `POST /v1/chat/completions`, streaming and not. */
export function chatRoute(app: FastifyInstance, door: AskDoor): void {
  app.post('/v1/chat/completions', { bodyLimit: MAX_ASK_BODY_BYTES }, async (request, reply) => {
    const account = await door.enter(request);
    const answer = await door.askChat(parseChatRequest(request.body), account);
    const { stream, keepGoing } = answer.request;
    const events = answer.read(signalOf(reply, answer));
    if (answer.command === undefined) reply.header('x-ciro-job', answer.job);
    const trackingUrl = door.trackingUrl(request, answer);
    if (!stream) {
      const { text, end } = await wholeOf(answer, events);
      return reply.send(completionOf(answer, text, end, trackingUrl));
    }
    // Whoever wants to read on after a break has to know the job from the beginning.
    return streamAnswer(request, reply, answer, events, { from: 0, numbered: keepGoing, atOnce: keepGoing, trackingUrl, joinUrl: door.joinUrl(request) });
  });
}
