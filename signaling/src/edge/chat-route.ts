import { MAX_ASK_BODY_BYTES } from './ask-door.ts';
import { ChunkFormat, completionOf } from './chat-format.ts';
import { giveAnswer } from './give-answer.ts';
import { parseChatRequest } from '../intake/chat-request.ts';
import type { FastifyInstance } from 'fastify';
import type { AskDoor } from './ask-door.ts';
import type { AnswerEnd } from './chat-format.ts';

/** `POST /v1/chat/completions`, streaming and not. */
export function chatRoute(app: FastifyInstance, door: AskDoor): void {
  app.post('/v1/chat/completions', { bodyLimit: MAX_ASK_BODY_BYTES }, async (request, reply) => {
    const account = await door.enter(request);
    const answer = await door.askChat(parseChatRequest(request.body), account);
    const format = (url: string) => ({ whole: (text: string, end: AnswerEnd) => completionOf(answer, text, end, url), stream: new ChunkFormat(answer, url) });
    return giveAnswer(request, reply, { door, answer, format });
  });
}
