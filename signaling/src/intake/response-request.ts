import * as v from 'valibot';
import { CiroPart, CLIENT_ENTRIES, Flag, ModelName, SAMPLING_ENTRIES, Text, Tokens, wishFrom } from './ask-fields.ts';
import { conversationOf, MAX_MESSAGES } from './chat-messages.ts';
import { isEmpty, NEUTRAL, parseBody } from './parse-body.ts';
import type { ChatRequest } from './chat-request.ts';
import type { Neutral } from './parse-body.ts';

const nothing = (what: string) => v.nullish(v.pipe(v.array(v.unknown(), 'expected a list'), v.maxLength(0, `${what} are not supported`)));
const InputPart = v.strictObject({ type: v.picklist(['input_text', 'text'], 'only text parts are supported'), text: Text });
const OutputPart = v.strictObject({ type: v.picklist(['output_text', 'text'], 'only text parts are supported'), text: Text, annotations: nothing('annotations'), logprobs: nothing('log probabilities') });
const contentOf = <const Part extends typeof InputPart | typeof OutputPart>(part: Part) => v.union([Text, v.pipe(v.array(part), v.minLength(1))], 'expected text, or a list of text parts');
const ItemType = v.nullish(v.literal('message', 'only messages are supported'));

/** What was said; an answer may come back as it was given, with id and status. */
const Item = v.variant(
  'role',
  [
    v.strictObject({ type: ItemType, role: v.picklist(['system', 'developer', 'user']), content: contentOf(InputPart), id: v.nullish(Text), status: v.nullish(Text) }),
    v.strictObject({ type: ItemType, role: v.literal('assistant'), content: contentOf(OutputPart), id: v.nullish(Text), status: v.nullish(Text), phase: v.nullish(Text) }),
  ],
  'expected a message of system, developer, user or assistant',
);
const Items = v.pipe(v.array(Item, 'expected a text or a list of messages'), v.minLength(1, 'must hold at least one message'), v.maxLength(MAX_MESSAGES, `must hold at most ${MAX_MESSAGES} messages`));
/** What `input` may be. A union says of a list only that it does not fit; by the kind of value the issue names the message. */
export const INPUT_KINDS = [Text, Items] as const;
const Input = v.lazy((input): typeof Items | typeof Text => (typeof input === 'string' ? Text : Items));

/** Body of `POST /v1/responses`. */
export const ResponseBody = v.object({
  model: ModelName,
  input: Input,
  instructions: v.nullish(Text),
  stream: v.nullish(Flag),
  max_output_tokens: v.nullish(Tokens),
  ...SAMPLING_ENTRIES,
  ...CLIENT_ENTRIES,
  ciro: v.nullish(CiroPart),
});

const RESPONSE_NEUTRAL: Neutral = {
  ...NEUTRAL,
  stream_options: (value) => isEmpty(value) || v.is(v.strictObject({ include_obfuscation: v.literal(false) }), value),
  text: (value) => isEmpty(value) || v.is(v.strictObject({ format: v.optional(v.strictObject({ type: v.literal('text') })), verbosity: v.optional(v.literal('medium')) }), value),
  tools: isEmpty,
  tool_choice: (value) => value === 'none' || value === 'auto',
  parallel_tool_calls: () => true,
  include: isEmpty,
  reasoning: isEmpty,
  truncation: (value) => value === 'disabled',
  background: (value) => value === false,
  top_logprobs: (value) => value === 0,
  previous_response_id: () => false,
  conversation: () => false,
  prompt: () => false,
  max_tool_calls: () => false,
  context_management: isEmpty,
};

/** A conversation that is asked by `POST /v1/responses`, with what its answer says back. */
export interface ResponseRequest {
  readonly chat: ChatRequest;
  readonly instructions: string | null;
}

/** Reads a response request: text in, text out, nothing stored. Throws IntakeError naming the first field that is wrong, unknown or not supported. */
export function parseResponseRequest(body: unknown): ResponseRequest {
  const request = parseBody(ResponseBody, RESPONSE_NEUTRAL, body, '{"model":…,"input":"…"}');
  const { input } = request;
  const said = typeof input === 'string' ? [{ role: 'user' as const, content: input }] : input.map(({ role, content }) => ({ role, content: typeof content === 'string' ? content : content.map(({ text }) => text).join('') }));
  const messages = conversationOf(said, 'input');
  const instructions = request.instructions ?? null;
  return {
    instructions,
    chat: { ...wishFrom({ ...request, stop: null }, request.max_output_tokens), messages: instructions === null ? messages : [{ role: 'system', content: instructions }, ...messages] },
  };
}
