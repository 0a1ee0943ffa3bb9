import type { AnswerEvent, AnswerHead } from '../intake/answer.ts';
import type { OpenAiError } from './openai-error.ts';
import type { StreamFormat } from './stream-format.ts';

/** Our one addition to the format: where the proof of the answer is, or the command that answered instead of a job. `corrected_by`: the job that a `checked` answer was taken from instead. */
interface CiroExtension {
  readonly ciro: { readonly job: string; readonly tracking_url: string; readonly evidence: string; readonly assurance: string; readonly corrected_by?: string } | { readonly command: string };
}

export interface Usage {
  readonly prompt_tokens: number;
  /** Of these, the tokens that were computed by an earlier job and kept: they are not charged (SPEC V5). */
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** How an answer ends. */
export type AnswerEnd = Extract<AnswerEvent, { type: 'end' }>;

/** Path of a job's evidence. */
export const evidencePath = (job: string): string => `/v1/jobs/${job}/evidence`;

const idOf = ({ job }: AnswerHead): string => `chatcmpl-${job}`;
export const createdOf = ({ createdAt }: AnswerHead): number => Math.floor(createdAt / 1000);

/** Job, where it stands and is proved; or the command that answered. */
export function extensionOf({ job, command, request }: AnswerHead, { correctedBy }: AnswerEnd, trackingUrl: string): CiroExtension {
  if (command !== undefined) return { ciro: { command } };
  return { ciro: { job, tracking_url: trackingUrl, evidence: evidencePath(job), assurance: request.assurance, ...(correctedBy === undefined ? {} : { corrected_by: correctedBy }) } };
}

export function usageOf(answer: AnswerHead, { completionTokens, cachedTokens = 0 }: AnswerEnd): Usage {
  return { prompt_tokens: answer.promptTokens, prompt_tokens_details: { cached_tokens: cachedTokens }, completion_tokens: completionTokens, total_tokens: answer.promptTokens + completionTokens };
}

/** A whole answer (`chat.completion`). `trackingUrl`: where its job stands. */
export function completionOf(answer: AnswerHead, text: string, end: AnswerEnd, trackingUrl: string) {
  return {
    id: idOf(answer),
    object: 'chat.completion',
    created: createdOf(answer),
    model: answer.model,
    choices: [{ index: 0, message: { role: 'assistant', content: text, refusal: null }, logprobs: null, finish_reason: end.finish }],
    usage: usageOf(answer, end),
    ...extensionOf(answer, end, trackingUrl),
  };
}

/** The chunks of a streamed answer, in the order that clients rely on: role, text*, finish, usage if asked for. */
export class ChunkFormat implements StreamFormat {
  readonly done = '[DONE]';
  readonly #answer: AnswerHead;
  readonly #trackingUrl: string;

  /** `trackingUrl`: where the job stands. */
  constructor(answer: AnswerHead, trackingUrl: string) {
    this.#answer = answer;
    this.#trackingUrl = trackingUrl;
  }

  begin(): readonly object[] {
    return [this.#chunk([{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }])];
  }

  text(content: string): readonly object[] {
    return [this.#chunk([{ index: 0, delta: { content }, logprobs: null, finish_reason: null }])];
  }

  /** The last chunks; the very last one carries the extension. */
  end(end: AnswerEnd): readonly object[] {
    const last = this.#chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: end.finish }]);
    if (!this.#answer.request.includeUsage) return [{ ...last, ...extensionOf(this.#answer, end, this.#trackingUrl) }];
    return [last, { ...this.#chunk([]), usage: usageOf(this.#answer, end), ...extensionOf(this.#answer, end, this.#trackingUrl) }];
  }

  failed(error: OpenAiError['body']): readonly object[] {
    return [error];
  }

  #chunk(choices: readonly object[]): object {
    const usage = this.#answer.request.includeUsage ? { usage: null } : {};
    return { id: idOf(this.#answer), object: 'chat.completion.chunk', created: createdOf(this.#answer), model: this.#answer.model, choices, ...usage };
  }
}
