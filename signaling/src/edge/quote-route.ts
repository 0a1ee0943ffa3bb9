import { MAX_ASK_BODY_BYTES } from './ask-door.ts';
import { parseChatRequest } from '../intake/chat-request.ts';
import { priceBody } from '../market/price-body.ts';
import type { FastifyInstance } from 'fastify';
import type { Intake } from '../intake/intake.ts';
import type { AskDoor } from './ask-door.ts';

/** `POST /v1/quotes`: the body of a chat completion; says what it would cost, and holds that price for a while (SPEC M15). Nothing is held or charged. */
export function quoteRoute(app: FastifyInstance, door: Pick<AskDoor, 'enter'>, intake: Pick<Intake, 'quote'>): void {
  app.post('/v1/quotes', { bodyLimit: MAX_ASK_BODY_BYTES }, async (request, reply) => {
    const { account } = await door.enter(request);
    const { quote, model, assurance } = intake.quote(parseChatRequest(request.body), account);
    const { id, expiresAt, price } = quote;
    reply.header('cache-control', 'no-store');
    return { object: 'quote', id, model, assurance, expires: Math.floor(expiresAt / 1000), prompt_tokens: price.promptTokens, max_tokens: price.maxTokens, ...priceBody(price) };
  });
}
