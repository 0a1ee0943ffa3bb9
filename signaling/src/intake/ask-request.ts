import type { ChatRequest } from './chat-request.ts';

/** Everything that is asked of an answer but what it answers to. */
export type AnswerWish = Omit<ChatRequest, 'messages'>;

/** A request that goes on from a prompt as it is, without the model's chat template: text, or token ids of the model. */
export interface PromptRequest extends AnswerWish {
  readonly prompt: string | readonly number[];
}

/**
 * What `Intake.ask` takes: the output of a parser (`parseChatRequest`, `parseCompletionRequest`, …), never a body. A route parses its own body
 * into one of these and needs nothing else of intake.
 */
export type AskRequest = ChatRequest | PromptRequest;

export const isChat = (request: AskRequest): request is ChatRequest => 'messages' in request;

/** A request without its prompt: as it is kept. */
export function wishOf(request: AskRequest): AnswerWish {
  if (isChat(request)) {
    const { messages: _, ...wish } = request;
    return wish;
  }
  const { prompt: _, ...wish } = request;
  return wish;
}
