import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import type { Evidence } from '@ciro/core/evidence/evidence.ts';

/** Roots and acknowledgements are waited for at most 5 s after the last token; then a job is settled. */
const EVIDENCE_TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/** Where to ask, and who pays. */
export interface Door {
  readonly url: string;
  readonly trialKey: string;
}

export interface NetworkQuestion {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly maxTokens: number;
  readonly model?: string;
  /** The answer may begin with what tabs keep of an earlier one (SPEC V3). Not when absent: questions are asked again and again, and each answer is to be whole. */
  readonly reuse?: boolean;
  /** Greedy when absent. */
  readonly sampling?: { readonly temperature: number; readonly seed: number };
  /** Called once the answer has begun, before its first piece. */
  readonly onStarted?: (job: string) => void;
  /** Called with what the stream says beside the answer: that one waits, or that layers move to another tab. */
  readonly onComment?: (comment: string) => void;
  /** Called with each piece of the answer as it comes; awaited before the next is read. */
  readonly onText?: (piece: string) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

const ErrorBody = v.object({ error: v.object({ message: v.string(), type: v.string(), code: v.nullable(v.string()), param: v.nullable(v.string()) }) });
export type ApiErrorBody = v.InferOutput<typeof ErrorBody>['error'];

/** What became of a question: an answer with its job, or the API's error, before or in the middle of the stream. */
export type NetworkAnswer =
  | { readonly ok: true; readonly job: string; readonly text: string; readonly finish: string; readonly completionTokens: number; readonly cachedTokens: number }
  | { readonly ok: false; readonly status: number; readonly job: string | undefined; readonly text: string; readonly error: ApiErrorBody };

const Chunk = v.object({
  choices: v.array(v.object({ delta: v.object({ content: v.nullish(v.string()) }), finish_reason: v.nullish(v.string()) })),
  usage: v.nullish(v.object({ completion_tokens: v.number(), prompt_tokens_details: v.object({ cached_tokens: v.number() }) })),
});
const GREEDY = { temperature: 0, seed: 1 } as const;

const headersOf = ({ trialKey }: Door): Record<string, string> => ({ 'content-type': 'application/json', authorization: `Bearer ${trialKey}` });

/** Asks through the API as any client does, streaming. */
export async function askNetwork(door: Door, question: NetworkQuestion): Promise<NetworkAnswer> {
  const { messages, maxTokens, model = 'default', sampling = GREEDY, reuse = false, onStarted, onComment, onText, signal } = question;
  const response = await fetch(new URL('/v1/chat/completions', door.url), {
    method: 'POST',
    headers: headersOf(door),
    body: JSON.stringify({ model, messages, max_tokens: maxTokens, ...sampling, stream: true, stream_options: { include_usage: true }, ciro: { reuse } }),
    ...(signal && { signal }),
  });
  const job = response.headers.get('x-ciro-job') ?? undefined;
  if (!response.ok || response.body === null) return { ok: false, status: response.status, job, text: '', error: v.parse(ErrorBody, await response.json()).error };
  if (job !== undefined) onStarted?.(job);
  let text = '';
  let finish = '';
  let completionTokens: number | undefined;
  let cachedTokens = 0;
  const pieces: string[] = [];
  let error: ApiErrorBody | undefined;
  const parser = createParser({
    ...(onComment && { onComment }),
    onEvent: ({ data }) => {
      if (data === '[DONE]') return;
      const event: unknown = JSON.parse(data);
      if (v.is(ErrorBody, event)) {
        error = event.error;
        return;
      }
      const { choices, usage } = v.parse(Chunk, event);
      completionTokens = usage?.completion_tokens ?? completionTokens;
      cachedTokens = usage?.prompt_tokens_details.cached_tokens ?? cachedTokens;
      for (const { delta, finish_reason } of choices) {
        pieces.push(delta.content ?? '');
        finish = finish_reason ?? finish;
      }
    },
  });
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
    parser.feed(bytes);
    for (const piece of pieces.splice(0)) {
      text += piece;
      if (piece !== '') await onText?.(piece);
    }
  }
  if (error !== undefined) return { ok: false, status: response.status, job, text, error };
  if (job === undefined) throw new Error('the answer has no header x-ciro-job');
  if (completionTokens === undefined) throw new Error(`the answer of job ${job} ended without its usage`);
  return { ok: true, job, text, finish, completionTokens, cachedTokens };
}

const State = v.looseObject({ status: v.string() });

/** Evidence of a job of this door's account, once it is settled. */
export async function evidenceOf(door: Door, job: string): Promise<Evidence> {
  const deadline = performance.now() + EVIDENCE_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(new URL(`/v1/jobs/${job}/evidence`, door.url), { headers: headersOf(door) });
    const body: unknown = await response.json();
    // Typed where it is made: the tests look at what is in it, field by field.
    if (response.ok && v.is(State, body) && body.status === 'recorded') return body as unknown as Evidence;
    if (performance.now() > deadline) throw new Error(`job ${job} has no evidence: HTTP ${response.status} ${JSON.stringify(body).slice(0, 500)}`);
    await sleep(POLL_MS);
  }
}

/** An answer that has to come, with its evidence. */
export async function answerOf(door: Door, question: NetworkQuestion): Promise<{ readonly text: string; readonly finish: string; readonly evidence: Evidence }> {
  const answer = await askNetwork(door, question);
  if (!answer.ok) throw new Error(`no answer: HTTP ${answer.status} ${JSON.stringify(answer.error)}`);
  return { text: answer.text, finish: answer.finish, evidence: await evidenceOf(door, answer.job) };
}
