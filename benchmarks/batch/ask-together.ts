import { setTimeout as sleep } from 'node:timers/promises';
import { eventsOfJob } from '../../tests/support/answer-jobs.ts';
import { browserStatus } from '../../tests/support/browser-status.ts';
import { askNetwork, evidenceOf } from '../../tests/support/network-question.ts';
import type { Door, NetworkQuestion } from '../../tests/support/network-question.ts';
import type { BenchNetwork } from '../network/bench-network.ts';

/** Audits of answers are over before the next are asked, if they take no longer than this: one thing is measured at a time. */
const SETTLED_TIMEOUT_MS = 20_000;
/** Pages read what their workers computed every two seconds. */
const COUNTED_MS = 2_500;

/** What the same questions took, asked so many at a time. */
export interface Together {
  /** Of all answers over the time from the first question to the last token, waits between groups left out. */
  readonly tokensPerSecond: number;
  /** Each answer's own, from its first token to its last. */
  readonly ofEach: readonly number[];
  /** Milliseconds to each answer's first token. */
  readonly firstTokenMs: readonly number[];
  /** Generated positions of each tab, and how many of them were computed in runs of several jobs. */
  readonly generated: readonly { readonly positions: number; readonly batched: number }[];
}

/** Asks all questions, `count` at a time. Throws when an answer is shorter than was asked for: rates of other work cannot be compared. */
export async function askTogether({ volunteers }: BenchNetwork, door: Door, questions: readonly NetworkQuestion[], count: number, signal: AbortSignal): Promise<Together> {
  const counted = () => Promise.all(volunteers.pages.map(async (page) => (await browserStatus(page)).generated));
  const before = await counted();
  let [tokens, ms] = [0, 0];
  const ofEach: number[] = [];
  const firstTokenMs: number[] = [];
  for (let first = 0; first < questions.length; first += count) {
    signal.throwIfAborted();
    const begun = performance.now();
    const answers = await Promise.all(questions.slice(first, first + count).map((question) => ask(door, question, signal)));
    ms += Math.max(...answers.map(({ endedAt }) => endedAt)) - begun;
    for (const { job } of answers) {
      const evidence = await evidenceOf(door, job);
      tokens += evidence.completion_tokens;
      ofEach.push(evidence.tokens_per_second);
    }
    firstTokenMs.push(...answers.map(({ firstAt }) => firstAt - begun));
    for (const { job } of answers) await settled(door, job);
  }
  await sleep(COUNTED_MS);
  const after = await counted();
  const generated = after.map(({ positions, batched }, tab) => ({ positions: positions - (before[tab]?.positions ?? 0), batched: batched - (before[tab]?.batched ?? 0) }));
  return { tokensPerSecond: (1000 * tokens) / ms, ofEach, firstTokenMs, generated };
}

async function ask(door: Door, question: NetworkQuestion, signal: AbortSignal): Promise<{ readonly job: string; readonly firstAt: number; readonly endedAt: number }> {
  let firstAt = Number.NaN;
  const onText = (): void => void (firstAt = Number.isNaN(firstAt) ? performance.now() : firstAt);
  const answer = await askNetwork(door, { ...question, onText, signal });
  const endedAt = performance.now();
  if (!answer.ok) throw new Error(`no answer to ${JSON.stringify(question.messages)}: ${JSON.stringify(answer.error)}`);
  if (answer.completionTokens !== question.maxTokens) throw new Error(`${JSON.stringify(question.messages)} is answered in ${answer.completionTokens} tokens, not ${question.maxTokens}`);
  return { job: answer.job, firstAt, endedAt };
}

async function settled(door: Door, job: string): Promise<void> {
  const limit = AbortSignal.timeout(SETTLED_TIMEOUT_MS);
  await eventsOfJob(door, job, 'settled', limit).catch((error: unknown) => {
    if (!limit.aborted) throw error;
  });
}
