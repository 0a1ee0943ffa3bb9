import * as v from 'valibot';
import { streamAnswer } from './answer-stream.ts';
import { ChunkFormat } from './chat-format.ts';
import { joinLink, trackingUrl } from './links.ts';
import { EdgeError, jobNotFound } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { Answer, AnswerEvent, AnswerHead } from '../intake/answer.ts';

/** Where in the answer's text a reader goes on: a number of UTF-16 code units. No answer is longer than a body may be. */
const Offset = v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number));

/** What was said in answer to a job that is over, as it is on record. */
export type PastAnswer = { readonly head: AnswerHead; readonly events: readonly AnswerEvent[] } | { readonly failure: { readonly message: string } };

export interface AnswerRouteDependencies {
  readonly accounts: Accounts;
  readonly intake: { answer(job: string, account: string): Answer | undefined };
  readonly past: (job: string, account: string) => Promise<PastAnswer | undefined>;
  /** Where tabs join, if a proxy serves us. */
  readonly publicUrl?: URL;
}

interface OneAnswer {
  Params: { id: string };
  Querystring: { from?: string };
}

/**
 * `GET /v1/jobs/ID/answer`: the text of an answer, by the job that was asked, in chunks as they were streamed first; from the beginning or from
 * an offset (`Last-Event-ID`, or `?from=`), until it ends. A reader that comes to an answer which is over is given it from the record; 409 when there is none.
 * `POST /v1/jobs/ID/cancel` ends it at the last token; one that is over stays as it is.
 */
export function answerRoutes(app: FastifyInstance, { accounts, intake, past, publicUrl }: AnswerRouteDependencies): void {
  app.get<OneAnswer>('/v1/jobs/:id/answer', async (request, reply) => {
    const { params: { id }, query, headers } = request;
    const { account } = await accounts.allow(headers.authorization, 'read');
    const from = offsetOf(headers['last-event-id'] ?? query.from);
    const wish = { from, numbered: true, atOnce: true, joinUrl: joinLink(request, publicUrl) };
    const formatOf = (head: AnswerHead): ChunkFormat => new ChunkFormat(head, trackingUrl(request, publicUrl, id));
    reply.header('x-ciro-job', id);
    const answer = intake.answer(id, account);
    if (answer !== undefined) {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      return streamAnswer(request, reply, { job: id, events: answer.read(gone.signal), format: formatOf({ ...answer, request: { ...answer.request, includeUsage: true } }) }, wish);
    }
    const found = await past(id, account);
    if (found === undefined) throw jobNotFound(id);
    if ('failure' in found) throw new EdgeError('job_failed', `job ${id} has no answer: ${found.failure.message}`, { fault: 'user' });
    return streamAnswer(request, reply, { job: id, events: inTurn(found.events), format: formatOf(found.head) }, wish);
  });

  app.post<OneAnswer>('/v1/jobs/:id/cancel', async ({ params: { id }, headers }, reply) => {
    const { account } = await accounts.allow(headers.authorization, 'ask');
    const answer = intake.answer(id, account);
    if (answer === undefined && (await past(id, account)) === undefined) throw jobNotFound(id);
    answer?.cancel();
    return reply.header('cache-control', 'no-store').send({ object: 'job.cancel', job: id, status: 'taken' });
  });
}

function offsetOf(said: string | string[] | undefined): number {
  if (said === undefined) return 0;
  const offset = v.safeParse(Offset, said);
  if (!offset.success) throw new EdgeError('bad_request', `where to read on is ${JSON.stringify(String(said).slice(0, 40))}; give the id of the last event, a whole number of characters, as Last-Event-ID or ?from=`, { fault: 'user', fields: { param: 'from' } });
  return offset.output;
}

async function* inTurn(events: readonly AnswerEvent[]): AsyncGenerator<AnswerEvent> {
  yield* events;
}
