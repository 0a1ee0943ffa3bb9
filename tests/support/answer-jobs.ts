import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { verifyAnswer } from '@ciro/core/evidence/verify-answer.ts';
import { verifySignature } from '../../signaling/src/keys/verify-signature.ts';
import { evidenceOf } from './network-question.ts';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';
import type { Door } from './network-question.ts';
import type { GreedyVector } from './network-vectors.ts';

/** The next job of an answer is recorded with its last token, which may be a long way off. */
const CONTINUED_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

/** Evidence of every job of an answer in order, the one that was asked first: where one moved, the next goes on (SPEC G2). */
export async function evidenceOfAnswer(door: Door, asked: string): Promise<readonly [Evidence, ...Evidence[]]> {
  const first = await continuedEvidenceOf(door, asked);
  const rest: Evidence[] = [];
  for (let next = first.continued_by; next !== null; ) {
    const evidence = await continuedEvidenceOf(door, next);
    rest.push(evidence);
    next = evidence.continued_by;
  }
  return [first, ...rest];
}

/** Every id that the client was given. */
export const idsOfAnswer = (jobs: readonly Evidence[]): number[] => jobs.flatMap(({ token_ids: ids }) => ids);

/** The file that a client keeps of a greedy answer, checked as `npm run verify` does; what was asked is part of it. Gives the first wrong element. */
export async function firstWrongOfAnswer(jobs: readonly Evidence[], { messages, outputIds }: Pick<GreedyVector, 'messages' | 'outputIds'>, answerText: string): Promise<unknown> {
  const request = { model: 'default', messages, max_tokens: outputIds.length, temperature: 0, seed: 1 };
  const file: unknown = { ...jobs.at(-1), earlier: jobs.slice(0, -1), request, answer_text: answerText };
  return (await verifyAnswer(file, { verifySignature })).first;
}

/** Evidence of a job; of one that moved, once it names the job that goes on. */
async function continuedEvidenceOf(door: Door, job: string): Promise<Evidence> {
  for (const deadline = performance.now() + CONTINUED_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const evidence = await evidenceOf(door, job);
    if (evidence.finish_reason !== 'moved' || evidence.continued_by !== null) return evidence;
    if (performance.now() > deadline) throw new Error(`job ${job} moved, and no job goes on with it after ${CONTINUED_TIMEOUT_MS / 1000} s`);
  }
}

const JobEvent = v.looseObject({ type: v.string() });
export type JobEvent = v.InferOutput<typeof JobEvent>;

/** What happened to a job, up to the first event of type `last`, or to the end of what there is to tell. */
export async function eventsOfJob(door: Door, job: string, last: string, signal: AbortSignal): Promise<readonly JobEvent[]> {
  const enough = new AbortController();
  const response = await fetch(new URL(`/v1/jobs/${job}/events`, door.url), { headers: { authorization: `Bearer ${door.trialKey}` }, signal: AbortSignal.any([signal, enough.signal]) });
  if (!response.ok || response.body === null) throw new Error(`no events of job ${job}: HTTP ${response.status}`);
  const events: JobEvent[] = [];
  const parser = createParser({ onEvent: ({ data }) => void events.push(v.parse(JobEvent, JSON.parse(data))) });
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
    parser.feed(bytes);
    const at = events.findIndex(({ type }) => type === last);
    if (at < 0) continue;
    enough.abort();
    return events.slice(0, at + 1);
  }
  return events;
}
