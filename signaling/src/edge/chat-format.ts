import type { Answer } from '../intake/answer.ts';

/** Our one addition to the format: where the proof of the answer is. */
interface CiroExtension {
  readonly ciro: { readonly job: string; readonly evidence: string };
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export type Finish = 'stop' | 'length';

/** Path of a job's evidence. */
export const evidencePath = (job: string): string => `/v1/jobs/${job}/evidence`;

const idOf = ({ job }: Answer): string => `chatcmpl-${job}`;
const createdOf = ({ createdAt }: Answer): number => Math.floor(createdAt / 1000);
const extensionOf = ({ job }: Answer): CiroExtension => ({ ciro: { job, evidence: evidencePath(job) } });

export function usageOf(answer: Answer, completionTokens: number): Usage {
  return { prompt_tokens: answer.promptTokens, completion_tokens: completionTokens, total_tokens: answer.promptTokens + completionTokens };
}

/** A whole answer (`chat.completion`). */
export function completionOf(answer: Answer, text: string, finish: Finish, completionTokens: number) {
  return {
    id: idOf(answer),
    object: 'chat.completion',
    created: createdOf(answer),
    model: answer.model,
    choices: [{ index: 0, message: { role: 'assistant', content: text, refusal: null }, logprobs: null, finish_reason: finish }],
    usage: usageOf(answer, completionTokens),
    ...extensionOf(answer),
  };
}

/** The chunks of a streamed answer, in the order that clients rely on: role, text*, finish, usage if asked for. */
export class ChunkFormat {
  readonly #answer: Answer;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  role(): object {
    return this.#chunk([{ index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }]);
  }

  text(content: string): object {
    return this.#chunk([{ index: 0, delta: { content }, logprobs: null, finish_reason: null }]);
  }

  /** The last chunks; the very last one carries the extension. */
  end(finish: Finish, completionTokens: number): object[] {
    const last = this.#chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: finish }]);
    if (!this.#answer.request.includeUsage) return [{ ...last, ...extensionOf(this.#answer) }];
    return [last, { ...this.#chunk([]), usage: usageOf(this.#answer, completionTokens), ...extensionOf(this.#answer) }];
  }

  #chunk(choices: readonly object[]): object {
    const usage = this.#answer.request.includeUsage ? { usage: null } : {};
    return { id: idOf(this.#answer), object: 'chat.completion.chunk', created: createdOf(this.#answer), model: this.#answer.model, choices, ...usage };
  }
}
