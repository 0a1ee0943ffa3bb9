import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';

export class AskError extends CiroError<'refused' | 'broken-stream'> {}

/** The coordinator's own OpenAI-compatible API, the door that every client uses. */
export interface Door {
  /** With `/v1`, without a slash at the end. */
  readonly baseUrl: string;
  readonly apiKey: string;
}

/** A chat request as it is sent, and kept beside the evidence: what `verify` compares the evidence with. */
export interface ChatBody {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly stream: true;
  readonly max_tokens: number;
  readonly temperature: number;
  readonly seed: number;
  readonly ciro: { readonly assurance: 'stream' | 'checked'; readonly nonce_commitment?: string; readonly escrow?: string; readonly escrow_salt?: string };
}

export interface Answer {
  readonly job: string;
  readonly text: string;
  readonly finish: string;
}

const ApiError = v.object({ error: v.object({ message: v.string(), code: v.nullish(v.string()) }) });
const Chunk = v.object({
  choices: v.array(v.object({ delta: v.object({ content: v.nullish(v.string()) }), finish_reason: v.nullish(v.string()) })),
});

/** What is told while an answer comes. */
export interface AskListener {
  /** The job has begun; its id names it in the rest of the API. */
  job(id: string): void;
  text(piece: string): void;
}

/** Asks, and streams the answer. Throws `refused` with the API's own message, `broken-stream` when it ends early. */
export async function ask({ baseUrl, apiKey }: Door, body: ChatBody, listener: AskListener, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify(body),
    signal,
  });
  if (!response.ok || response.body === null) throw apiError(response.status, await response.json());
  const job = response.headers.get('x-ciro-job') ?? '';
  listener.job(job);
  let text = '';
  let finish = '';
  let done = false;
  let failure: AskError | undefined;
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data === '[DONE]') {
        done = true;
        return;
      }
      const event: unknown = JSON.parse(data);
      if (v.is(ApiError, event)) {
        failure = apiError(response.status, event);
        return;
      }
      for (const choice of v.parse(Chunk, event).choices) {
        const piece = choice.delta.content ?? '';
        if (piece !== '') listener.text(piece);
        text += piece;
        finish = choice.finish_reason ?? finish;
      }
    },
  });
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) parser.feed(bytes);
  if (failure !== undefined) throw failure;
  if (!done) throw new AskError('broken-stream', 'the answer ended without [DONE]; the coordinator went away: start it again', { fault: 'platform' });
  return { job, text, finish };
}

/** A refusal of the API as an error; `status` is in its fields. */
export function apiError(status: number, body: unknown): AskError {
  const message = v.is(ApiError, body) ? body.error.message : `HTTP ${status}`;
  return new AskError('refused', message, { fault: 'user', fields: { status } });
}
