import { createdOf, extensionOf, usageOf } from './chat-format.ts';
import type { AnswerHead } from '../intake/answer.ts';
import type { AnswerEnd } from './chat-format.ts';
import type { OpenAiError } from './openai-error.ts';
import type { StreamFormat } from './stream-format.ts';

/** A completion (`text_completion`), whole and in chunks: text*, finish, usage if asked for. */
export class CompletionFormat implements StreamFormat {
  readonly done = '[DONE]';
  readonly #answer: AnswerHead;
  readonly #trackingUrl: string;

  /** `trackingUrl`: where the job stands. */
  constructor(answer: AnswerHead, trackingUrl: string) {
    this.#answer = answer;
    this.#trackingUrl = trackingUrl;
  }

  whole(text: string, end: AnswerEnd): object {
    return { ...this.#object([choiceOf(text, end.finish)]), usage: usageOf(this.#answer, end), ...extensionOf(this.#answer, end, this.#trackingUrl) };
  }

  begin(): readonly object[] {
    return [];
  }

  text(content: string): readonly object[] {
    return [this.#chunk([choiceOf(content, null)])];
  }

  /** The last chunks; the very last one carries the extension. */
  end(end: AnswerEnd): readonly object[] {
    const extension = extensionOf(this.#answer, end, this.#trackingUrl);
    const last = this.#chunk([choiceOf('', end.finish)]);
    if (!this.#answer.request.includeUsage) return [{ ...last, ...extension }];
    return [last, { ...this.#chunk([]), usage: usageOf(this.#answer, end), ...extension }];
  }

  failed(error: OpenAiError['body']): readonly object[] {
    return [error];
  }

  #chunk(choices: readonly object[]): object {
    return { ...this.#object(choices), ...(this.#answer.request.includeUsage ? { usage: null } : {}) };
  }

  #object(choices: readonly object[]): object {
    return { id: `cmpl-${this.#answer.job}`, object: 'text_completion', created: createdOf(this.#answer), model: this.#answer.model, choices };
  }
}

const choiceOf = (text: string, finish: AnswerEnd['finish'] | null) => ({ index: 0, text, logprobs: null, finish_reason: finish });
