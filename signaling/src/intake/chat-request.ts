import * as v from 'valibot';
import { ChatCiroPart, CLIENT_ENTRIES, ModelName, SAMPLING_ENTRIES, Stop, STREAM_ENTRIES, Tokens, wishFrom } from './ask-fields.ts';
import { conversationOf, Messages } from './chat-messages.ts';
import { refuseField } from './intake-error.ts';
import { isEmpty, NEUTRAL, parseBody } from './parse-body.ts';
import type { HexHash } from '@ciro/core/ids.ts';
import type { EscrowClaim } from '../escrow/check-escrow.ts';
import type { Neutral } from './parse-body.ts';

/** Body of `POST /v1/chat/completions`. */
export const ChatBody = v.object({
  model: ModelName,
  messages: Messages,
  ...STREAM_ENTRIES,
  max_tokens: v.nullish(Tokens),
  max_completion_tokens: v.nullish(Tokens),
  ...SAMPLING_ENTRIES,
  stop: Stop,
  ...CLIENT_ENTRIES,
  ciro: v.nullish(ChatCiroPart),
});

const CHAT_NEUTRAL: Neutral = {
  ...NEUTRAL,
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  response_format: (value) => v.is(v.object({ type: v.literal('text') }), value),
  tools: isEmpty,
  functions: isEmpty,
  tool_choice: (value) => value === 'none' || value === 'auto',
  function_call: (value) => value === 'none' || value === 'auto',
  parallel_tool_calls: () => true,
  modalities: (value) => v.is(v.tuple([v.literal('text')]), value),
  audio: () => false,
  prediction: () => false,
  reasoning_effort: () => false,
  verbosity: (value) => value === 'medium',
  web_search_options: () => false,
};

/** A message as the template is given it. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** `stream`: text as it comes, corrected afterwards if an audit fails. `checked`: text once every stage was audited (PROTOCOL 7). */
export type Assurance = 'stream' | 'checked';

/** An accepted request; what it left out is filled in, except what depends on the model. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Undefined: as many as fit, up to the default. */
  readonly maxTokens: number | undefined;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly stop: readonly string[];
  readonly seed: number | undefined;
  readonly assurance: Assurance;
  /** SHA-256 of the client's nonce for the audit draw (SPEC A1); null when it gives none. */
  readonly nonceCommitment: HexHash | null;
  /** The answer goes on without its reader, who may read it again (SPEC G7); else a client that hangs up ends it. */
  readonly keepGoing: boolean;
  /** The job of a contract that pays for it, instead of the account's credits (SPEC N1). */
  readonly escrow?: EscrowClaim;
  /** The answer may begin with what the workers keep of this account's earlier ones (SPEC V3). */
  readonly reuse: boolean;
}

/** Reads a chat request; throws IntakeError naming the first field that is wrong, unknown or not supported. */
export function parseChatRequest(body: unknown): ChatRequest {
  const request = parseBody(ChatBody, CHAT_NEUTRAL, body, '{"model":…,"messages":[…]}');
  const messages = conversationOf(request.messages);
  const { max_tokens: maxTokens, max_completion_tokens: maxCompletionTokens } = request;
  if (maxTokens != null && maxCompletionTokens != null && maxTokens !== maxCompletionTokens) {
    throw refuseField('invalid_value', 'max_tokens', `max_tokens is ${maxTokens} and max_completion_tokens is ${maxCompletionTokens}; send one of them`);
  }
  return { ...wishFrom(request, maxCompletionTokens ?? maxTokens), messages };
}
