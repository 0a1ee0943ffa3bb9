import { MAX_ASK_BODY_BYTES } from './ask-door.ts';
import { giveAnswer } from './give-answer.ts';
import { ResponseFormat, responseOf } from './response-format.ts';
import { parseResponseRequest } from '../intake/response-request.ts';
import type { FastifyInstance } from 'fastify';
import type { AskDoor } from './ask-door.ts';
import type { AnswerEnd } from './chat-format.ts';

/** `POST /v1/responses`, text only and nothing stored, streaming and not. */
export function responsesRoute(app: FastifyInstance, door: AskDoor): void {
  app.post('/v1/responses', { bodyLimit: MAX_ASK_BODY_BYTES }, async (request, reply) => {
    const account = await door.enter(request);
    const asked = parseResponseRequest(request.body);
    const answer = await door.askChat(asked.chat, account);
    const format = (url: string) => ({ whole: (text: string, end: AnswerEnd) => responseOf(answer, asked, { text, end, trackingUrl: url }), stream: new ResponseFormat(answer, asked, url) });
    return giveAnswer(request, reply, { door, answer, format });
  });
}
