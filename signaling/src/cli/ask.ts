import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { CiroError } from '@ciro/core/errors.ts';

export class AskError extends CiroError<'refused' | 'broken-stream'> {}

/** A request to the coordinator's own OpenAI-compatible API: the CLI uses the door that every client uses. */
export interface Question {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly prompt: string;
  readonly system?: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
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

/** Streams the answer piece by piece to `onText`. Throws `refused` with the API's own message, `broken-stream` when it ends early. */
export async function ask(question: Question, onText: (piece: string) => void, signal: AbortSignal): Promise<Answer> {
  const { baseUrl, apiKey, model, prompt, system, maxTokens, temperature, seed } = question;
  const messages = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: prompt }];
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ model, messages, stream: true, max_tokens: maxTokens, temperature, seed }),
    signal,
  });
  if (!response.ok || response.body === null) throw apiError(response.status, await response.json());
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
        if (piece !== '') onText(piece);
        text += piece;
        finish = choice.finish_reason ?? finish;
      }
    },
  });
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) parser.feed(bytes);
  if (failure !== undefined) throw failure;
  if (!done) throw new AskError('broken-stream', 'the answer ended without [DONE]; the coordinator went away: start it again', { fault: 'platform' });
  return { job: response.headers.get('x-ciro-job') ?? '', text, finish };
}

function apiError(status: number, body: unknown): AskError {
  const message = v.is(ApiError, body) ? body.error.message : `HTTP ${status}`;
  return new AskError('refused', message, { fault: 'user', fields: { status } });
}
