import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import type { Door } from '../../tests/support/network-question.ts';

/** A client that has lost its stream waits so long before it asks again where its answer is. */
const AGAIN_MS = 500;
const GIVE_UP_MS = 120_000;

const Piece = v.object({ choices: v.array(v.object({ delta: v.object({ content: v.nullish(v.string()) }), finish_reason: v.nullish(v.string()) })) });

/** How an answer ended that its reader never gave up. */
export interface KeptAnswer {
  readonly text: string;
  readonly finish: string;
  /** Streams that broke in the middle. */
  readonly breaks: number;
}

/**
 * Asks for an answer that keeps going (SPEC G7), and reads it to its end at whichever door answers, as any client can: with the job's id and `Last-Event-ID`.
 * @throws Error when it did not end in GIVE_UP_MS
 */
export async function keepAsking(doors: readonly Door[], { content, maxTokens, signal }: { readonly content: string; readonly maxTokens: number; readonly signal: AbortSignal }): Promise<KeptAnswer> {
  const deadline = performance.now() + GIVE_UP_MS;
  const so = { text: '', finish: '', job: '' };
  for (let attempt = 0; performance.now() < deadline; attempt++) {
    const door = doors[attempt % doors.length] as Door;
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${door.trialKey}` };
    try {
      const response = so.job === ''
        ? await fetch(new URL('/v1/chat/completions', door.url), { method: 'POST', signal, headers, body: JSON.stringify({ model: 'default', messages: [{ role: 'user', content }], max_tokens: maxTokens, temperature: 0, seed: 1, stream: true, ciro: { keep_going: true, reuse: false } }) })
        : await fetch(new URL(`/v1/jobs/${so.job}/answer`, door.url), { signal, headers: { ...headers, 'last-event-id': String(so.text.length) } });
      so.job ||= response.headers.get('x-ciro-job') ?? '';
      if (response.ok && response.body !== null) await read(response.body, so);
      else await response.body?.cancel();
    } catch {
      signal.throwIfAborted();
    }
    if (so.finish !== '') return { text: so.text, finish: so.finish, breaks: attempt };
    await sleep(AGAIN_MS, undefined, { signal });
  }
  throw new Error(`the answer of job ${so.job || '(none)'} did not end in ${GIVE_UP_MS / 1000} s; ${so.text.length} characters came`);
}

async function read(body: NonNullable<Response['body']>, so: { text: string; finish: string }): Promise<void> {
  const parser = createParser({
    onEvent({ data }) {
      const piece = v.safeParse(v.pipe(v.string(), v.parseJson(), Piece), data);
      if (!piece.success) return;
      for (const { delta, finish_reason } of piece.output.choices) {
        so.text += delta.content ?? '';
        so.finish ||= finish_reason ?? '';
      }
    },
  });
  for await (const bytes of body.pipeThrough(new TextDecoderStream())) parser.feed(bytes);
}
