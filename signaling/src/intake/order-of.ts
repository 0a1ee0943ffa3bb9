import { UNIT_POSITIONS } from '@ciro/core/commitment/unit-hashes.ts';
import { LAUNCH_RATES, price } from '@ciro/core/pricing/price.ts';
import { MAX_JOB_UNITS } from '@ciro/core/protocol/limits.ts';
import { DEFAULT_MAX_TOKENS } from './ask-fields.ts';
import { isChat } from './ask-request.ts';
import { refuseField } from './intake-error.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { JobOrder } from '../scheduler/job-order.ts';
import type { AskRequest } from './ask-request.ts';
import type { ChatModel, ChatModels } from './ports.ts';

/** Seeds are 32 bits on the wire; a client's larger or negative one is folded, so that equal seeds stay equal. */
const SEED_RANGE = 2 ** 32;

/**
 * Bytes of text that one token may stand for on average: prose has 4 to 5. More is refused before it is tokenised, which for
 * 200 kB of blanks takes a second in which nothing else happens.
 */
const MAX_BYTES_PER_TOKEN = 8;

/** The model a request names; throws `model_not_found` listing those that are served. */
export function modelOf(request: Pick<AskRequest, 'model'>, models: ChatModels): ChatModel {
  const model = models.get(request.model);
  if (model !== undefined) return model;
  const served = models.list().map(({ manifest }) => manifest.name);
  throw refuseField('model_not_found', 'model', `model ${JSON.stringify(request.model.slice(0, 120))} is not served here; served: ${['default', ...served].join(', ')}`, { served });
}

/**
 * A request as a priced order: template (of a conversation), ids, sampler, quote. Throws `context_length_exceeded` when prompt and answer do not
 * fit the model, and what the template throws. `randomSeed`: uint32, used when the request names no seed.
 */
export function orderOf(request: AskRequest, model: ChatModel, options: { readonly job: JobId; readonly account: string; readonly randomSeed: number }): JobOrder {
  // A job is also bounded by what its root message can carry.
  const context = Math.min(model.manifest.architecture.context, MAX_JOB_UNITS * UNIT_POSITIONS);
  refuseTooMuchText(request, context);
  const promptIds = promptIdsOf(request, model);
  const maxTokens = maxTokensOf(request, promptIds.length, context);
  const seed = request.seed === undefined ? options.randomSeed : ((request.seed % SEED_RANGE) + SEED_RANGE) % SEED_RANGE;
  const { temperature, topP, topK, minP, repetitionPenalty } = request;
  return {
    job: options.job,
    account: options.account,
    ...(request.escrow && { escrow: request.escrow.escrow }),
    modelId: model.id,
    promptIds,
    sampler: { temperature, topK, topP, minP, repetitionPenalty, seed },
    maxTokens,
    stopIds: model.manifest.stopIds,
    requesterNonce: request.nonceCommitment,
    exclude: [],
    // A `checked` answer is shown when every stage of it stood its audit, which one whose worker left never does; nothing is shown yet
    // that could not begin anew.
    goesOn: request.assurance === 'stream' && repetitionPenalty === 1,
    // Of a `checked` answer every row is looked at, those of the prompt, too.
    reuses: request.reuse && request.assurance === 'stream',
    continues: null,
    quote: {
      promptToken: String(LAUNCH_RATES.promptToken),
      generatedToken: String(LAUNCH_RATES.generatedToken),
      feeBasisPoints: String(LAUNCH_RATES.feeBasisPoints),
      hold: String(price(LAUNCH_RATES, promptIds.length, maxTokens)),
    },
  };
}

/** Where a prompt stands in a request, and what it is called. */
const fieldOf = (request: AskRequest): 'messages' | 'prompt' => (isChat(request) ? 'messages' : 'prompt');

function promptIdsOf(request: AskRequest, model: ChatModel): Uint32Array {
  if (isChat(request)) return Uint32Array.from(model.tokenizer.encodePrompt(model.template.render(request.messages)));
  const { prompt } = request;
  if (typeof prompt === 'string') return Uint32Array.from(model.tokenizer.encodePrompt(prompt));
  const { vocabulary } = model.manifest.architecture;
  const outside = prompt.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
  if (outside >= 0) throw refuseField('invalid_value', `prompt[${outside}]`, `prompt[${outside}] is ${prompt[outside]}, and the model's token ids go from 0 to ${vocabulary - 1}; tokenise with its own tokenizer`);
  return Uint32Array.from(prompt);
}

function refuseTooMuchText(request: AskRequest, context: number): void {
  const texts = isChat(request) ? request.messages.map(({ content }) => content) : typeof request.prompt === 'string' ? [request.prompt] : [];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= context * MAX_BYTES_PER_TOKEN) return;
  const field = fieldOf(request);
  const message = `the model holds ${context} tokens; ${field} has ${bytes} bytes of text, and more than ${context * MAX_BYTES_PER_TOKEN} are not taken. Shorten it`;
  throw refuseField('context_length_exceeded', field, message, { context, bytes });
}

/** A length that was asked for is kept or refused; the default one gives way to a long prompt. */
function maxTokensOf(request: AskRequest, promptTokens: number, context: number): number {
  const room = context - promptTokens;
  const maxTokens = request.maxTokens ?? Math.min(DEFAULT_MAX_TOKENS, Math.max(1, room));
  if (maxTokens <= room) return maxTokens;
  const message = `the model holds ${context} tokens; ${fieldOf(request)} takes ${promptTokens} and the answer may take ${maxTokens}, ${promptTokens + maxTokens} in all. Shorten ${fieldOf(request)} or lower max_tokens`;
  throw refuseField('context_length_exceeded', request.maxTokens === undefined ? fieldOf(request) : 'max_tokens', message, { context, promptTokens, maxTokens });
}
