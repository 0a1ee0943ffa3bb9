import * as v from 'valibot';
import type { AnswerEvent } from './answer-stream.ts';
import type { ApiError } from './api-error.ts';

const Count = v.pipe(v.number(), v.minValue(0));
const Trouble = v.object({ code: v.string(), message: v.string(), retryAfter: Count });
const Usage = v.object({ promptTokens: Count, completionTokens: Count, cachedTokens: v.exactOptional(Count) });

/** An answer, from the request to its end. Times are milliseconds. */
const Answer = v.object({
  /** `moving`: a tab left, and another one takes its layers over. `away`: the coordinator is not reached; the answer may go on behind it. */
  state: v.picklist(['waiting', 'streaming', 'moving', 'away', 'done', 'stopped', 'failed']),
  text: v.string(),
  /** Questions that are answered before this one, while it waits. */
  ahead: v.optional(Count),
  /** Id of the first job, known from the first byte on; others may go on with it. */
  job: v.optional(v.string()),
  finish: v.optional(v.string()),
  usage: v.optional(Usage),
  trouble: v.optional(Trouble),
  /** From the request to the first text. */
  firstTextMs: v.optional(Count),
  /** From the first text to the last. */
  streamMs: v.optional(Count),
  /** What was asked for besides the messages, so that the evidence can be held against it. */
  asked: v.optional(v.object({ model: v.string(), maxTokens: Count, checked: v.boolean(), nonce: v.string() })),
  /** The job whose answer stands, and the text that was wrong, after an audit failed. */
  corrected: v.optional(v.object({ job: v.string(), instead: v.string() })),
});
export type Answer = v.InferOutput<typeof Answer>;

const Turn = v.object({ question: v.string(), askedAt: v.number(), answer: Answer });
/** A question and what became of it. `askedAt`: epoch milliseconds. */
export type Turn = v.InferOutput<typeof Turn>;

export const Chat = v.object({ id: v.string(), turns: v.array(Turn) });
/** A conversation. */
export type Chat = v.InferOutput<typeof Chat>;

/** A conversation as it was kept. An answer that a closed tab left unfinished can be read on by its job; without one it counts as stopped. What is no conversation is undefined. */
export function storedChat(value: unknown): Chat | undefined {
  const parsed = v.safeParse(Chat, value);
  if (!parsed.success) return undefined;
  const turns = parsed.output.turns.map((turn, index, { length }) => (isOpen(turn.answer) && (turn.answer.job === undefined || index < length - 1) ? { ...turn, answer: { ...turn.answer, state: 'stopped' as const } } : turn));
  return { id: parsed.output.id, turns };
}

export type AnswerChange =
  | { readonly type: 'accepted'; readonly job: string | undefined }
  | { readonly type: 'corrected'; readonly job: string; readonly text: string }
  | AnswerEvent
  | { readonly type: 'away' }
  | { readonly type: 'end' }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly error: ApiError };

export const NEW_ANSWER: Answer = { state: 'waiting', text: '' };

/** True while more may come. */
export const isOpen = (answer: Answer): boolean => answer.state === 'waiting' || answer.state === 'streaming' || answer.state === 'moving' || answer.state === 'away';

/** True when the coordinator keeps a record of how the answer came to be; it keeps none of a job that failed. */
export const hasEvidence = (answer: Answer): boolean => answer.state === 'done' || answer.state === 'stopped';

/** The answer after a change, `elapsedMs` after the request. What comes after the end changes nothing, but for a correction. */
export function afterChange(answer: Answer, change: AnswerChange, elapsedMs: number): Answer {
  if (change.type === 'corrected') return { ...answer, text: change.text, corrected: { job: change.job, instead: answer.corrected?.instead ?? answer.text } };
  if (!isOpen(answer)) return answer;
  const firstTextMs = answer.firstTextMs ?? elapsedMs;
  switch (change.type) {
    case 'accepted':
      return change.job === undefined ? answer : { ...answer, job: change.job };
    case 'queued':
      return { ...answer, ahead: change.ahead };
    case 'text':
      return { ...answer, state: 'streaming', text: answer.text + change.piece, firstTextMs, streamMs: elapsedMs - firstTextMs };
    case 'moving':
    case 'away':
      return { ...answer, state: change.type };
    case 'finish':
      return { ...answer, finish: change.reason };
    case 'usage':
      return { ...answer, usage: { promptTokens: change.promptTokens, completionTokens: change.completionTokens, ...(change.cachedTokens !== undefined && { cachedTokens: change.cachedTokens }) } };
    case 'end':
      return { ...answer, state: 'done' };
    case 'stopped':
      return { ...answer, state: 'stopped' };
    case 'failed': {
      const { code, message, retryAfter } = change.error;
      return { ...answer, state: 'failed', trouble: { code, message, retryAfter } };
    }
  }
}

/** Tokens a second after the first; undefined while there is too little to say. */
export function answerRate({ usage, streamMs }: Answer): number | undefined {
  const after = (usage?.completionTokens ?? 0) - 1;
  return after > 0 && streamMs !== undefined && streamMs > 0 ? after / (streamMs / 1_000) : undefined;
}

/** What is sent for the newest question: every earlier question that got some answer, and then this one. */
export function messagesOf(turns: readonly Turn[]): { role: 'user' | 'assistant'; content: string }[] {
  const newest = turns.at(-1);
  const earlier = turns.slice(0, -1).filter(({ answer }) => answer.text !== '');
  const pairs = earlier.flatMap(({ question, answer }) => [{ role: 'user' as const, content: question }, { role: 'assistant' as const, content: answer.text }]);
  return newest === undefined ? pairs : [...pairs, { role: 'user', content: newest.question }];
}
