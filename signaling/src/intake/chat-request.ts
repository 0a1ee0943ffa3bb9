import * as v from 'valibot';
import { HexHash } from '@ciro/core/ids.ts';
import { EscrowId, EscrowSalt } from '@ciro/core/settlement/escrow.ts';
import { refuseField } from './intake-error.ts';
import type { EscrowClaim } from '../escrow/check-escrow.ts';

/** Stop strings of one request, as in the OpenAI API. */
export const MAX_STOPS = 4;
/** Longest stop string: text that may be one is held back from the stream, so it has to stay short. */
export const MAX_STOP_CHARACTERS = 256;
/** Messages of one conversation; the body limit of the edge bounds their text. */
export const MAX_MESSAGES = 1_024;
/** Answer length when the request names none. */
export const DEFAULT_MAX_TOKENS = 256;
export const DEFAULT_TEMPERATURE = 0.7;

const Flag = v.boolean('expected true or false');
const NumberIn = (least: number, most: number) =>
  v.pipe(v.number(`expected a number from ${least} to ${most}`), v.minValue(least, `must be at least ${least}`), v.maxValue(most, `must be at most ${most}`));
const Tokens = v.pipe(v.number('expected a whole number'), v.safeInteger('expected a whole number'), v.minValue(1, 'must be at least 1'));
const StopText = v.pipe(v.string('expected text'), v.minLength(1, 'must not be empty'), v.maxLength(MAX_STOP_CHARACTERS, `must have at most ${MAX_STOP_CHARACTERS} characters`));
const TextPart = v.strictObject({ type: v.literal('text', 'only text parts are supported'), text: v.string('expected text') });
const Message = v.strictObject({
  role: v.picklist(['system', 'developer', 'user', 'assistant'], 'expected system, developer, user or assistant'),
  content: v.union([v.string(), v.pipe(v.array(TextPart), v.minLength(1))], 'expected text, or a list of {"type":"text","text":"…"}'),
  name: v.optional(v.string()),
});

/** Our own part of a request. Anything else in it is refused by name. */
const CiroPart = v.strictObject({
  assurance: v.nullish(v.picklist(['stream', 'checked'], 'expected stream or checked')),
  nonce_commitment: v.nullish(v.pipe(v.string('expected 64 lower-case hex digits'), HexHash)),
  keep_going: v.nullish(Flag),
  escrow: v.nullish(EscrowId),
  escrow_salt: v.nullish(EscrowSalt),
  reuse: v.nullish(Flag),
}, 'expected {"assurance":…,"nonce_commitment":…,"keep_going":…,"escrow":…,"escrow_salt":…,"reuse":…}');

const Body = v.object({
  model: v.string('expected the name of a model'),
  messages: v.pipe(v.array(Message, 'expected a list of messages'), v.minLength(1, 'must hold at least one message'), v.maxLength(MAX_MESSAGES, `must hold at most ${MAX_MESSAGES} messages`)),
  stream: v.nullish(Flag),
  stream_options: v.nullish(v.strictObject({ include_usage: v.nullish(Flag) })),
  max_tokens: v.nullish(Tokens),
  max_completion_tokens: v.nullish(Tokens),
  temperature: v.nullish(NumberIn(0, 2)),
  top_p: v.nullish(NumberIn(0, 1)),
  top_k: v.nullish(v.pipe(NumberIn(0, 1000), v.integer('expected a whole number'))),
  min_p: v.nullish(NumberIn(0, 1)),
  repetition_penalty: v.nullish(NumberIn(0.5, 2)),
  stop: v.nullish(v.union([StopText, v.pipe(v.array(StopText), v.maxLength(MAX_STOPS, `must hold at most ${MAX_STOPS} texts`))], `expected a text of 1 to ${MAX_STOP_CHARACTERS} characters, or a list of at most ${MAX_STOPS}`)),
  seed: v.nullish(v.pipe(v.number('expected a whole number'), v.safeInteger('expected a whole number'))),
  user: v.nullish(v.string('expected text')),
  ciro: v.nullish(CiroPart),
});

/** Fields that clients send by habit: taken when they ask for nothing (null, or what is said here), else refused by name. */
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  logit_bias: isEmpty,
  logprobs: (value) => value === false,
  top_logprobs: (value) => value === 0,
  response_format: (value) => v.is(v.object({ type: v.literal('text') }), value),
  tools: isEmpty,
  functions: isEmpty,
  tool_choice: (value) => value === 'none' || value === 'auto',
  function_call: (value) => value === 'none' || value === 'auto',
  parallel_tool_calls: () => true,
  modalities: (value) => v.is(v.tuple([v.literal('text')]), value),
  store: (value) => value === false,
  metadata: isEmpty,
  service_tier: (value) => value === 'auto' || value === 'default',
  audio: () => false,
  prediction: () => false,
  reasoning_effort: () => false,
  verbosity: () => false,
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
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw refuseField('invalid_value', 'body', 'the body is not a JSON object; send {"model":…,"messages":[…]}');
  refuseOtherFields(body);
  const parsed = v.safeParse(Body, body, { abortEarly: true });
  if (!parsed.success) throw refuseIssue(parsed.issues[0]);
  const request = parsed.output;
  const messages = request.messages.map(({ role, content }): ChatMessage => ({
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  }));
  const blank = messages.findIndex(({ role, content }) => role === 'user' && content.trim() === '');
  if (blank >= 0) throw refuseField('empty_prompt', `messages[${blank}].content`, `messages[${blank}].content is empty; write what the model should answer`);
  if (messages.every(({ content }) => content.trim() === '')) throw refuseField('empty_prompt', 'messages', 'no message holds any text; write what the model should answer');
  const { max_tokens: maxTokens, max_completion_tokens: maxCompletionTokens } = request;
  if (maxTokens != null && maxCompletionTokens != null && maxTokens !== maxCompletionTokens) {
    throw refuseField('invalid_value', 'max_tokens', `max_tokens is ${maxTokens} and max_completion_tokens is ${maxCompletionTokens}; send one of them`);
  }
  return {
    model: request.model,
    messages,
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    maxTokens: maxCompletionTokens ?? maxTokens ?? undefined,
    temperature: request.temperature ?? DEFAULT_TEMPERATURE,
    topP: request.top_p ?? 1,
    topK: request.top_k ?? 0,
    minP: request.min_p ?? 0,
    repetitionPenalty: request.repetition_penalty ?? 1,
    stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []),
    seed: request.seed ?? undefined,
    assurance: request.ciro?.assurance ?? 'stream',
    nonceCommitment: request.ciro?.nonce_commitment ?? null,
    keepGoing: request.ciro?.keep_going ?? false,
    ...claimOf(request.ciro ?? {}),
    reuse: request.ciro?.reuse ?? true,
  };
}

function claimOf({ escrow, escrow_salt: salt }: { readonly escrow?: EscrowId | null | undefined; readonly escrow_salt?: EscrowSalt | null | undefined }): Pick<ChatRequest, 'escrow'> {
  if (escrow == null && salt == null) return {};
  if (escrow != null && salt != null) return { escrow: { escrow, salt } };
  const [missing, there] = escrow == null ? ['escrow', 'escrow_salt'] : ['escrow_salt', 'escrow'];
  throw refuseField('missing_required_parameter', `ciro.${missing}`, `ciro.${missing} is missing: ciro.${there} goes with it; the salt is the one that the escrow's spec_hash was made with`);
}

/** Nothing is ignored in silence: a field that is not carried out is refused (design: the worst defect seen elsewhere). */
function refuseOtherFields(body: object): void {
  for (const [field, value] of Object.entries(body)) {
    if (Object.hasOwn(Body.entries, field)) continue;
    const neutral = Object.hasOwn(NEUTRAL, field) ? NEUTRAL[field] : undefined;
    if (neutral === undefined) throw refuseField('unknown_parameter', field.slice(0, 64), `${JSON.stringify(field.slice(0, 64))} is not a parameter of this API; leave it out`);
    if (value !== null && !neutral(value)) throw refuseField('unsupported_parameter', field, `${field} is not supported here${field === 'n' ? ' (one answer a request)' : ''}; leave it out`);
  }
}

function refuseIssue(issue: v.BaseIssue<unknown>): Error {
  const param = pathOf(issue);
  if (param.startsWith('ciro.') && issue.expected === 'never') return refuseField('unknown_parameter', param, `${JSON.stringify(param)} is not a parameter of this API; leave it out`);
  if (issue.input === undefined) return refuseField('missing_required_parameter', param, `${param} is missing: ${issue.message}`);
  // A role or part that exists in the API but not here (tool, image_url) is a feature that is missing, not a slip.
  if (/(role|content|type)$/.test(param) && (issue.type === 'picklist' || issue.type === 'literal' || issue.type === 'union') && param !== 'messages') {
    return refuseField('unsupported_parameter', param, `${param} is not supported: ${issue.message}`);
  }
  return refuseField('invalid_value', param, `${param}: ${issue.message}`);
}

/** `messages[0].content`, as the OpenAI API writes it. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)) ?? [];
  return keys.join('').slice(1) || 'body';
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
