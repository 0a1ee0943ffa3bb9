import type { AnswerEnd } from './chat-format.ts';
import type { AnswerEvent, AnswerHead } from '../intake/answer.ts';

/** Reads an answer to its end. Throws what ended it otherwise. */
export async function wholeOf({ job }: Pick<AnswerHead, 'job'>, events: AsyncIterable<AnswerEvent>): Promise<{ readonly text: string; readonly end: AnswerEnd }> {
  let text = '';
  for await (const event of events) {
    if (event.type === 'text') text += event.text;
    if (event.type === 'end') return { text, end: event };
  }
  throw new TypeError(`the events of job ${job} ended without an end`);
}
