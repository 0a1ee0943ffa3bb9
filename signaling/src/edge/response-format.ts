import { createdOf, extensionOf, usageOf } from './chat-format.ts';
import type { AnswerHead } from '../intake/answer.ts';
import type { ResponseRequest } from '../intake/response-request.ts';
import type { AnswerEnd } from './chat-format.ts';
import type { OpenAiError } from './openai-error.ts';
import type { StreamFormat } from './stream-format.ts';

/** How far a response is. */
interface Said {
  readonly text: string;
  /** Undefined while it is being given. */
  readonly end?: AnswerEnd;
  readonly trackingUrl: string;
}

type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

const statusOf = (end: AnswerEnd | undefined): ItemStatus => (end === undefined ? 'in_progress' : end.finish === 'length' ? 'incomplete' : 'completed');
const partOf = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });
const messageOf = ({ job }: AnswerHead, content: readonly object[], status: ItemStatus) => ({ id: `msg_${job}`, type: 'message', role: 'assistant', status, content });

/** A response (`response`), whole or under way. */
export function responseOf(answer: AnswerHead, { chat, instructions }: ResponseRequest, { text, end, trackingUrl }: Said) {
  return {
    id: `resp_${answer.job}`,
    object: 'response',
    created_at: createdOf(answer),
    status: statusOf(end),
    error: null,
    incomplete_details: end?.finish === 'length' ? { reason: 'max_output_tokens' } : null,
    instructions,
    max_output_tokens: chat.maxTokens ?? null,
    model: answer.model,
    output: end === undefined ? [] : [messageOf(answer, [partOf(text)], statusOf(end))],
    parallel_tool_calls: false,
    previous_response_id: null,
    store: false,
    temperature: chat.temperature,
    text: { format: { type: 'text' } },
    tool_choice: 'none',
    tools: [],
    top_p: chat.topP,
    truncation: 'disabled',
    metadata: {},
    usage: end === undefined ? null : responseUsage(answer, end),
    ...(end === undefined ? {} : extensionOf(answer, end, trackingUrl)),
  };
}

function responseUsage(answer: AnswerHead, end: AnswerEnd): object {
  const { prompt_tokens, prompt_tokens_details, completion_tokens, total_tokens } = usageOf(answer, end);
  return { input_tokens: prompt_tokens, input_tokens_details: prompt_tokens_details, output_tokens: completion_tokens, output_tokens_details: { reasoning_tokens: 0 }, total_tokens };
}

/** The events of a streamed response, numbered, in the order of the OpenAI API: one message with one part of text. */
export class ResponseFormat implements StreamFormat {
  readonly #answer: AnswerHead;
  readonly #asked: ResponseRequest;
  readonly #trackingUrl: string;
  readonly #place: object;
  #text = '';
  #events = 0;

  /** `trackingUrl`: where the job stands. */
  constructor(answer: AnswerHead, asked: ResponseRequest, trackingUrl: string) {
    this.#answer = answer;
    this.#asked = asked;
    this.#trackingUrl = trackingUrl;
    this.#place = { item_id: `msg_${answer.job}`, output_index: 0, content_index: 0 };
  }

  begin(): readonly object[] {
    const response = responseOf(this.#answer, this.#asked, { text: '', trackingUrl: this.#trackingUrl });
    return [
      this.#event('response.created', { response }),
      this.#event('response.in_progress', { response }),
      this.#event('response.output_item.added', { output_index: 0, item: messageOf(this.#answer, [], 'in_progress') }),
      this.#event('response.content_part.added', { ...this.#place, part: partOf('') }),
    ];
  }

  text(content: string): readonly object[] {
    this.#text += content;
    return [this.#event('response.output_text.delta', { ...this.#place, delta: content, logprobs: [] })];
  }

  end(end: AnswerEnd): readonly object[] {
    const text = this.#text;
    const response = responseOf(this.#answer, this.#asked, { text, end, trackingUrl: this.#trackingUrl });
    return [
      this.#event('response.output_text.done', { ...this.#place, text, logprobs: [] }),
      this.#event('response.content_part.done', { ...this.#place, part: partOf(text) }),
      this.#event('response.output_item.done', { output_index: 0, item: messageOf(this.#answer, [partOf(text)], statusOf(end)) }),
      this.#event(end.finish === 'length' ? 'response.incomplete' : 'response.completed', { response }),
    ];
  }

  failed({ error: { message, code, param } }: OpenAiError['body']): readonly object[] {
    return [this.#event('error', { code, message, param })];
  }

  #event(type: string, said: object): object {
    return { type, sequence_number: this.#events++, ...said };
  }
}
