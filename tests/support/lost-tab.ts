import { askNetwork } from './network-question.ts';
import type { Door, NetworkAnswer, NetworkQuestion } from './network-question.ts';

/** An answer in whose middle something happened, as its client saw it. Times are those of `performance.now()`. */
export interface DisturbedAnswer {
  readonly answer: NetworkAnswer;
  /** When each piece of text came. */
  readonly times: readonly number[];
  /** When the disturbance began; undefined when the answer was over before. */
  readonly disturbedAt: number | undefined;
  /** When the client was first told that layers move. */
  readonly movingAt: number | undefined;
}

/** What a stream says while layers move. */
const MOVING = 'moving layers';

/** Asks, and disturbs the network once so many pieces have come; the client reads on meanwhile. */
export async function askAndDisturb(door: Door, question: NetworkQuestion, after: number, disturb: () => Promise<void>): Promise<DisturbedAnswer> {
  const times: number[] = [];
  let disturbedAt: number | undefined;
  let movingAt: number | undefined;
  let disturbance: Promise<void> = Promise.resolve();
  const answer = await askNetwork(door, {
    ...question,
    onComment: (comment) => {
      if (comment.trim() === MOVING) movingAt ??= performance.now();
    },
    onText: () => {
      if (times.push(performance.now()) !== after) return;
      disturbedAt = performance.now();
      disturbance = disturb();
    },
  });
  await disturbance;
  return { answer, times, disturbedAt, movingAt };
}
