import { Readable } from 'node:stream';
import * as v from 'valibot';
import { HEARTBEAT_MS } from './answer-stream.ts';
import { heartbeats } from './heartbeats.ts';
import { jobLinks } from './job-links.ts';
import { EdgeError, jobNotFound } from './openai-error.ts';
import type { FastifyInstance } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { EvidenceDesk } from '../evidence/evidence-desk.ts';
import type { JobStatusEvent } from '../intake/job-feed.ts';
import type { JobStatus, JobWatch } from '../intake/job-watch.ts';

/** Seconds after which asking again makes sense: roots and acknowledgements are waited for at most 10 s, audits a few times an answer. */
const RETRY_AFTER_S = 1;

/** Body of `POST /v1/jobs/ID/nonce`. */
export const NonceBody = v.strictObject({ nonce: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) });

export interface JobRouteDependencies {
  readonly accounts: Accounts;
  readonly evidence: EvidenceDesk;
  readonly jobs: JobWatch;
}

interface OneJob {
  Params: { id: string };
}

/**
 * What an account may know of its jobs, each 404 for anyone else's:
 * `GET /v1/jobs/ID` (where it stands), `GET /v1/jobs/ID/events` (server-sent, from the beginning until it is over),
 * `POST /v1/jobs/ID/nonce` (opens the nonce of the request's `ciro.nonce_commitment`), and
 * `GET /v1/jobs/ID/evidence`: 200 once the job is recorded and charged, with `audit_status` `pending` for stages that are not
 * decided yet and final later; 202 before, and for a `checked` job until every stage is decided, as its text is in it; 409 when
 * it failed. `?pieces=1` adds what the audits looked at, for as long as it is kept.
 */
export function jobRoutes(app: FastifyInstance, { accounts, evidence, jobs }: JobRouteDependencies): void {
  app.get<OneJob>('/v1/jobs/:id', async ({ params, headers }, reply) => {
    const status = await jobs.status(params.id, (await accounts.allow(headers.authorization, 'read')).account);
    if (status === undefined) throw jobNotFound(params.id);
    reply.header('cache-control', 'no-store');
    return statusBody(status);
  });

  app.get<OneJob>('/v1/jobs/:id/events', async ({ params, headers }, reply) => {
    const { account } = await accounts.allow(headers.authorization, 'read');
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const events = await jobs.events(params.id, account, gone.signal);
    if (events === undefined) throw jobNotFound(params.id);
    const body = Readable.from(lines(events), { objectMode: false });
    return reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-store').header('x-accel-buffering', 'no').send(body);
  });

  app.post<OneJob>('/v1/jobs/:id/nonce', async ({ params, headers, body }, reply) => {
    const { account } = await accounts.allow(headers.authorization, 'ask');
    if (!v.is(NonceBody, body)) throw new EdgeError('bad_request', 'the body is not {"nonce":"…"} with 32 bytes as 64 lower-case hex digits; send the nonce of this request\'s ciro.nonce_commitment', { fault: 'user', fields: { param: 'nonce' } });
    if ((await jobs.openNonce(params.id, account, body.nonce)) === undefined) throw jobNotFound(params.id);
    return reply.header('cache-control', 'no-store').send({ object: 'job.nonce', job: params.id, status: 'taken' });
  });

  app.get<OneJob & { Querystring: { pieces?: string } }>('/v1/jobs/:id/evidence', async ({ params, query, headers }, reply) => {
    const { account } = await accounts.allow(headers.authorization, 'read');
    const answer = await evidence.find(params.id, account, { pieces: query.pieces === '1' });
    reply.header('cache-control', 'no-store');
    const later = (status: string) => reply.code(202).header('retry-after', RETRY_AFTER_S).send({ status, job: params.id });
    switch (answer.state) {
      case 'unknown':
        throw jobNotFound(params.id);
      case 'failed':
        throw new EdgeError('job_failed', `job ${params.id} has no evidence, it failed: ${answer.failure.message}`, { fault: 'user' });
      case 'running':
        return later('running');
      case 'recorded':
        return (await jobs.isHeldBack(params.id, account)) ? later('auditing') : answer.evidence;
    }
  });
}

function statusBody({ job, state, phase, ahead, usage, createdAt, assurance, stages, corrects, correctedBy, continues, continuedBy, failure }: JobStatus): object {
  const audits = stages.map((status, stage) => ({ stage, status }));
  return { object: 'job', id: job, status: state, phase, jobs_ahead: ahead, created: createdAt, assurance, usage: usage && { prompt_tokens: usage.prompt, completion_tokens: usage.completion }, audits, corrects, corrected_by: correctedBy, continues, continued_by: continuedBy, error: failure, ...jobLinks(job) };
}

/** One `data:` line an event, comments while nothing happens; the stream ends with the job. */
async function* lines(events: AsyncIterable<JobStatusEvent>): AsyncGenerator<string> {
  for await (const next of heartbeats(events, HEARTBEAT_MS)) yield next === 'beat' ? ': waiting\n\n' : `data: ${JSON.stringify(next.event)}\n\n`;
}
