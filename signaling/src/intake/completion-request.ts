import * as v from 'valibot';
import { CiroPart, CLIENT_ENTRIES, ModelName, SAMPLING_ENTRIES, Stop, STREAM_ENTRIES, Text, Tokens, wishFrom } from './ask-fields.ts';
import { refuseField } from './intake-error.ts';
import { NEUTRAL, parseBody } from './parse-body.ts';
import type { PromptRequest } from './ask-request.ts';
import type { Neutral } from './parse-body.ts';

/** Answer length when a completion names none, as in the OpenAI API: a raw prompt has no turn that would end by itself. */
export const DEFAULT_COMPLETION_TOKENS = 16;

const TokenId = v.pipe(v.number('expected token ids'), v.safeInteger('expected token ids'), v.minValue(0, 'token ids are not negative'));
const ONE_PROMPT = 'one prompt a request is supported';
/** A list of one prompt is that prompt: some clients always send lists. */
const Prompt = v.union(
  [Text, v.array(TokenId), v.pipe(v.array(Text), v.length(1, ONE_PROMPT)), v.pipe(v.array(v.array(TokenId)), v.length(1, ONE_PROMPT))],
  `expected a text or a list of token ids; ${ONE_PROMPT}`,
);

/** Body of `POST /v1/completions`. */
export const CompletionBody = v.object({
  model: ModelName,
  prompt: Prompt,
  ...STREAM_ENTRIES,
  max_tokens: v.nullish(Tokens),
  ...SAMPLING_ENTRIES,
  stop: Stop,
  ...CLIENT_ENTRIES,
  ciro: v.nullish(CiroPart),
});

const COMPLETION_NEUTRAL: Neutral = { ...NEUTRAL, best_of: (value) => value === 1, echo: (value) => value === false, suffix: (value) => value === '', logprobs: () => false };

/** Reads a completion request: the model goes on from the prompt as it is. Throws IntakeError naming the first field that is wrong, unknown or not supported. */
export function parseCompletionRequest(body: unknown): PromptRequest {
  const request = parseBody(CompletionBody, COMPLETION_NEUTRAL, body, '{"model":…,"prompt":"…"}');
  const prompt = onePromptOf(request.prompt);
  if (prompt.length === 0) throw refuseField('empty_prompt', 'prompt', 'prompt is empty; write what the model should go on from');
  return { ...wishFrom(request, request.max_tokens ?? DEFAULT_COMPLETION_TOKENS), prompt };
}

function onePromptOf(prompt: v.InferOutput<typeof Prompt>): string | readonly number[] {
  if (typeof prompt === 'string') return prompt;
  const [first] = prompt;
  return first === undefined || typeof first === 'number' ? prompt.filter((id) => typeof id === 'number') : first;
}
