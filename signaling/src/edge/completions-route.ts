import { MAX_ASK_BODY_BYTES } from './ask-door.ts';
import { CompletionFormat } from './completion-format.ts';
import { giveAnswer } from './give-answer.ts';
import { parseCompletionRequest } from '../intake/completion-request.ts';
import type { FastifyInstance } from 'fastify';
import type { AskDoor } from './ask-door.ts';

/** `POST /v1/completions`: the model goes on from a prompt as it is, streaming and not. */
export function completionsRoute(app: FastifyInstance, door: AskDoor): void {
  app.post('/v1/completions', { bodyLimit: MAX_ASK_BODY_BYTES }, async (request, reply) => {
    const account = await door.enter(request);
    const answer = await door.ask(parseCompletionRequest(request.body), account);
    const format = (url: string) => {
      const said = new CompletionFormat(answer, url);
      return { whole: said.whole.bind(said), stream: said };
    };
    return giveAnswer(request, reply, { door, answer, format });
  });
}
