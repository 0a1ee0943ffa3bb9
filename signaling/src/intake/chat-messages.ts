import * as v from 'valibot';
import { Text } from './ask-fields.ts';
import { refuseField } from './intake-error.ts';
import type { ChatMessage } from './chat-request.ts';

/** Messages of one conversation; the body limit of the edge bounds their text. */
export const MAX_MESSAGES = 1_024;

const TextPart = v.strictObject({ type: v.literal('text', 'only text parts are supported'), text: Text });
const Content = v.union([Text, v.pipe(v.array(TextPart), v.minLength(1))], 'expected text, or a list of {"type":"text","text":"…"}');
/** Chat templates have no place for a name; a conversation without its names would be another one. */
const Name = v.nullish(v.null('names of speakers are not passed on to the model; write the name into the text'));
const none = (what: string) => v.nullish(v.pipe(v.array(v.unknown(), `expected a list`), v.maxLength(0, `${what} are not supported`)));

const said = <const Role extends string>(role: Role) => v.strictObject({ role: v.literal(role), content: Content, name: Name });
/** An answer as clients send it back on the next turn: with all the fields that it came with, as long as they say nothing. */
const Answered = v.strictObject({
  role: v.literal('assistant'),
  content: v.nullish(Content),
  name: Name,
  refusal: v.nullish(v.null('answers that refuse are not supported')),
  annotations: none('annotations'),
  audio: v.nullish(v.null('audio is not supported')),
  tool_calls: none('tool calls'),
  function_call: v.nullish(v.null('function calls are not supported')),
});
const Message = v.variant('role', [said('system'), said('developer'), said('user'), Answered], 'expected system, developer, user or assistant');

export const Messages = v.pipe(v.array(Message, 'expected a list of messages'), v.minLength(1, 'must hold at least one message'), v.maxLength(MAX_MESSAGES, `must hold at most ${MAX_MESSAGES} messages`));

/** Messages as the template is given them. Throws `empty_prompt` where there is nothing to answer. `field`: where they stand in the body. */
export function conversationOf(messages: v.InferOutput<typeof Messages>, field = 'messages'): readonly ChatMessage[] {
  const conversation = messages.map(({ role, content }): ChatMessage => ({ role: role === 'developer' ? 'system' : role, content: textOf(content) }));
  const blank = conversation.findIndex(({ role, content }) => role === 'user' && content.trim() === '');
  if (blank >= 0) throw refuseField('empty_prompt', `${field}[${blank}].content`, `${field}[${blank}].content is empty; write what the model should answer`);
  if (conversation.every(({ content }) => content.trim() === '')) throw refuseField('empty_prompt', field, 'no message holds any text; write what the model should answer');
  return conversation;
}

function textOf(content: v.InferOutput<typeof Content> | null | undefined): string {
  if (typeof content === 'string') return content;
  return content?.map(({ text }) => text).join('') ?? '';
}
