import type { JobId } from '@ciro/core/ids.ts';
import type { AnswerWish } from './ask-request.ts';

/** What a client hears of its answer, in this order: queued* started (text | moving)* end, or an error thrown in between. */
export type AnswerEvent =
  | { readonly type: 'queued'; readonly ahead: number }
  | { readonly type: 'started' }
  | { readonly type: 'text'; readonly text: string }
  /** A stage was lost: others take its layers, then the text goes on. */
  | { readonly type: 'moving' }
  /** `cachedTokens`: positions of the prompt that were not computed again (SPEC V5), none when absent. `correctedBy`: the job whose answer a `checked` request was given instead of its own. */
  | { readonly type: 'end'; readonly finish: 'stop' | 'length'; readonly completionTokens: number; readonly cachedTokens?: number; readonly correctedBy?: JobId };

/** What is said of an answer before its first text. */
export interface AnswerHead {
  readonly job: JobId;
  /** The command that answers instead of the model: no job stands behind `job`. */
  readonly command?: string;
  readonly request: Pick<AnswerWish, 'includeUsage' | 'assurance'>;
  /** Name of the model that answers. */
  readonly model: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly promptTokens: number;
}

/** An accepted request. The job goes on whether it is read or not; `cancel` ends it at the last token seen. */
export interface Answer extends AnswerHead {
  readonly request: Pick<AnswerWish, 'includeUsage' | 'assurance' | 'stream' | 'keepGoing'>;
  /** Everything from its beginning on, until the signal aborts. Throws `too_many_followers` at once. */
  read(signal: AbortSignal): AsyncIterable<AnswerEvent>;
  cancel(): void;
}
