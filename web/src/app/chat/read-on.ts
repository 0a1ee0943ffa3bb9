import { ApiError } from './api-error.ts';
import type { AnswerEvent } from './answer-stream.ts';
import type { ChatApi } from './chat-api.ts';

/** First wait before a broken answer is read on, doubled up to the longest one. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;
/** A coordinator that is started again is back within this, or its operator has to look at it: a reboot takes a minute. */
const GIVE_UP_AFTER_MS = 180_000;

/** What an answer is read on by. */
export interface ReadOnPorts {
  readonly api: Pick<ChatApi, 'readOn'>;
  /** Epoch milliseconds. */
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

export interface ReadOn {
  readonly job: string;
  readonly key: string;
  readonly signal: AbortSignal;
  /** UTF-16 code units of text that are here already; asked before each attempt. */
  readonly from: () => number;
}

/** Whether the way to the coordinator broke, not the answer: it may go on behind it (SPEC G7). */
export const isBreak = (error: unknown): boolean => error instanceof ApiError && (error.code === 'unreachable' || error.code === 'broken_stream' || error.code === 'stopping' || error.code.startsWith('http_5'));

/**
 * Reads an answer from where its text ends to its end, over connections that break and a coordinator that is started again. Says `away` while nobody
 * is reached. Throws ApiError: the coordinator's own, or the break's when nothing came for three minutes.
 */
export async function* readOn({ api, now, wait }: ReadOnPorts, { job, key, signal, from }: ReadOn): AsyncGenerator<AnswerEvent | { readonly type: 'away' }> {
  let heardAt = now();
  for (let pause = FIRST_WAIT_MS; ; pause = Math.min(LONGEST_WAIT_MS, 2 * pause)) {
    try {
      for await (const event of api.readOn(job, from(), key, signal)) {
        heardAt = now();
        pause = FIRST_WAIT_MS;
        yield event;
      }
      return;
    } catch (error) {
      if (signal.aborted || !isBreak(error) || now() - heardAt > GIVE_UP_AFTER_MS) throw error;
    }
    yield { type: 'away' };
    await wait(pause);
    signal.throwIfAborted();
  }
}
