import type { AnswerEnd } from './chat-format.ts';
import type { OpenAiError } from './openai-error.ts';

/** What a stream says, in the words of one API: each value is the data of one event, whose `type`, where it has one, is the event's name. */
export interface StreamFormat {
  begin(): readonly object[];
  text(content: string): readonly object[];
  end(end: AnswerEnd): readonly object[];
  /** Said instead of `end`; nothing follows. */
  failed(error: OpenAiError['body']): readonly object[];
  /** Data of the very last event of a whole stream. */
  readonly done?: string;
}
