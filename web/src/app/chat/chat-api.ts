import * as v from 'valibot';
import { nonceCommitment } from '@ciro/core/audit/audit-draw.ts';
import { answerEvents, type AnswerEvent } from './answer-stream.ts';
import { ApiError, errorOf } from './api-error.ts';
import { jobEvents, type JobEvent } from './job-events.ts';
import { servedBy, type ServedBy } from './evidence.ts';

/** Names the job whose evidence can be asked for. */
const JOB_HEADER = 'x-ciro-job';

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[];
  readonly maxTokens: number;
  /** Hold the text back until every tab's work was audited. */
  readonly checked: boolean;
  /** This page's nonce for the audit draw, 32 bytes in hex: it is opened after the roots (SPEC A1). */
  readonly nonce: string;
}

/** What is sent for a request, and what evidence is held against. */
export function bodyOf({ model, messages, maxTokens, checked, nonce }: ChatRequest): object {
  const ciro = { assurance: checked ? 'checked' : 'stream', nonce_commitment: nonceCommitment(nonce), keep_going: true };
  return { model, messages, max_tokens: maxTokens, ...SAMPLING, stream: true, stream_options: { include_usage: true }, ciro };
}

/** As the default model's card recommends; at the API's usual 0.7 so small a model wanders off. */
const SAMPLING = { temperature: 0.2, top_p: 0.9 } as const;

const Account = v.object({ balance: v.pipe(v.string(), v.regex(/^[0-9]{1,41}$/)) });
const Trial = v.object({ key: v.pipe(v.string(), v.minLength(8), v.maxLength(200)) });

/** The coordinator's OpenAI-compatible API, as the chat uses it. Every call throws ApiError. */
export class ChatApi {
  readonly #base: string;
  readonly #fetch: typeof fetch;

  /** `base`: URL of the coordinator, ending in a slash. */
  constructor(base: string, fetchFrom: typeof fetch = (...request) => fetch(...request)) {
    this.#base = base;
    this.#fetch = fetchFrom;
  }

  /** A new account with trial credits; its key is told only once. */
  async openTrial(signal: AbortSignal): Promise<string> {
    const response = await this.#request('v1/trial', { method: 'POST', signal });
    const trial = v.safeParse(Trial, await response.json().catch(() => undefined));
    if (!trial.success) throw new ApiError('bad_answer', 'the coordinator gave no trial key', { status: response.status });
    return trial.output.key;
  }

  /** What the key may still spend, in base units. */
  async balance(key: string, signal: AbortSignal): Promise<bigint> {
    const response = await this.#request('v1/account', { signal, headers: { authorization: `Bearer ${key}` } });
    const account = v.safeParse(Account, await response.json().catch(() => undefined));
    if (!account.success) throw new ApiError('bad_answer', 'the coordinator gave no balance', { status: response.status });
    return BigInt(account.output.balance);
  }

  /** Asks and streams. `onAccepted` is told the job before the first event. */
  async *ask(request: ChatRequest, key: string, signal: AbortSignal, onAccepted: (job: string | undefined) => void): AsyncGenerator<AnswerEvent> {
    const response = await this.#request('v1/chat/completions', {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(bodyOf(request)),
    });
    onAccepted(response.headers.get(JOB_HEADER) ?? undefined);
    yield* eventsIn(response, signal);
  }

  /** An answer from an offset on, in UTF-16 code units of its text (SPEC G7). */
  async *readOn(job: string, from: number, key: string, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    yield* eventsIn(await this.#request(`v1/jobs/${encodeURIComponent(job)}/answer`, { signal, headers: { authorization: `Bearer ${key}`, 'last-event-id': String(from) } }), signal);
  }

  /** Ends an answer at the token it is at. */
  async cancel(job: string, key: string, signal: AbortSignal): Promise<void> {
    await this.#request(`v1/jobs/${encodeURIComponent(job)}/cancel`, { method: 'POST', signal, headers: { authorization: `Bearer ${key}` } });
  }

  /** Who served a job; undefined while the record is not complete. */
  async servedBy(job: string, key: string, signal: AbortSignal): Promise<ServedBy | undefined> {
    return servedBy(await this.#evidence(job, '', key, signal));
  }

  /** The whole evidence of a job, with the pieces that its audits looked at while they are kept. */
  evidence(job: string, key: string, signal: AbortSignal): Promise<unknown> {
    return this.#evidence(job, '?pieces=1', key, signal);
  }

  /** What happens to a job from its beginning to the last decided audit. */
  async *events(job: string, key: string, signal: AbortSignal): AsyncGenerator<JobEvent> {
    const { body } = await this.#request(`v1/jobs/${encodeURIComponent(job)}/events`, { signal, headers: { authorization: `Bearer ${key}` } });
    if (body !== null) yield* jobEvents(body);
  }

  /** Opens this page's nonce once the roots are in. */
  async openNonce(job: string, nonce: string, key: string, signal: AbortSignal): Promise<void> {
    await this.#request(`v1/jobs/${encodeURIComponent(job)}/nonce`, { method: 'POST', signal, headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify({ nonce }) });
  }

  async #evidence(job: string, query: string, key: string, signal: AbortSignal): Promise<unknown> {
    const response = await this.#request(`v1/jobs/${encodeURIComponent(job)}/evidence${query}`, { signal, headers: { authorization: `Bearer ${key}` } });
    return response.json().catch(() => undefined);
  }

  async #request(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(new URL(path, this.#base), init);
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      throw new ApiError('unreachable', 'the coordinator could not be reached', { status: 0, cause });
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }
}

async function* eventsIn({ body, status }: Response, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
  if (body === null) throw new ApiError('broken_stream', 'the answer has no body', { status });
  try {
    yield* answerEvents(body);
  } catch (cause) {
    if (cause instanceof ApiError || signal.aborted) throw cause;
    throw new ApiError('broken_stream', 'the connection broke in the middle of the answer', { status: 200, cause });
  }
}
