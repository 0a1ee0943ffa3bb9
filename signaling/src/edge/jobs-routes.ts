import * as v from 'valibot';
import { jobLinks } from './job-links.ts';
import { EdgeError } from './openai-error.ts';
import { MAX_ASK_BODY_BYTES } from './ask-door.ts';
import { idempotencyKeyOf, parseJobRequest } from '../jobs/job-request.ts';
import { MAX_LISTED_JOBS } from '../jobs/job-desk.ts';
import type { FastifyInstance } from 'fastify';
import type { Accounts } from '../accounts/accounts.ts';
import type { ListedJob } from '../evidence/job-archive.ts';
import type { JobDesk } from '../jobs/job-desk.ts';
import type { AskDoor } from './ask-door.ts';

const DEFAULT_LISTED = 20;
/** Where a page ends: a time and a job. */
const Cursor = v.pipe(v.string(), v.regex(/^\d{1,15}-[0-9a-f]{32}$/), v.transform((text) => ({ createdAt: Number(text.split('-')[0]), job: text.split('-')[1] ?? '' })));
const Page = v.object({ limit: v.optional(v.pipe(v.string(), v.regex(/^\d{1,3}$/), v.transform(Number), v.minValue(1), v.maxValue(MAX_LISTED_JOBS)), String(DEFAULT_LISTED)), after: v.optional(Cursor) });

/**
 * `POST /v1/jobs`: takes a job that nobody waits for, once for its `Idempotency-Key`, and answers 202 as soon as its price is held and it would outlive this
 * coordinator. `GET /v1/jobs`: the account's jobs, the newest first, in pages.
 */
export function jobsRoutes(app: FastifyInstance, { door, desk, accounts, now }: { readonly door: AskDoor; readonly desk: JobDesk; readonly accounts: Pick<Accounts, 'allow'>; readonly now: () => number }): void {
  app.post('/v1/jobs', { bodyLimit: MAX_ASK_BODY_BYTES }, async (request, reply) => {
    const caller = await door.enter(request);
    const { request: asked, deadline } = parseJobRequest(request.body, now());
    const job = await desk.submit(asked, caller, idempotencyKeyOf(request.headers['idempotency-key']));
    const trackingUrl = door.trackingUrl(request, { job });
    return reply
      .code(202)
      .headers({ 'cache-control': 'no-store', 'x-ciro-job': job, location: trackingUrl })
      .send({ object: 'job', id: job, status: 'running', phase: 'queued', ...(deadline !== undefined && { deadline: new Date(deadline).toISOString() }), tracking_url: trackingUrl, ...jobLinks(job) });
  });

  app.get('/v1/jobs', async (request, reply) => {
    const { account } = await accounts.allow(request.headers.authorization, 'read');
    const page = v.safeParse(Page, request.query);
    if (!page.success) throw new EdgeError('bad_request', `limit is to be 1 to ${MAX_LISTED_JOBS}, and after the last_id of the page before`, { fault: 'user', fields: { param: v.getDotPath(page.issues[0]) ?? null } });
    const { limit, after } = page.output;
    // One more than is shown: whether there is another page.
    const found = await desk.list(account, after, limit + 1);
    const data = found.slice(0, limit);
    const last = data.at(-1);
    reply.header('cache-control', 'no-store');
    return { object: 'list', data: data.map((each) => listed(each)), has_more: found.length > limit, ...(last && { last_id: `${last.createdAt}-${last.job}` }) };
  });
}

const listed = ({ job, state, createdAt, assurance, modelId }: ListedJob): object => ({ object: 'job', id: job, status: state, created: createdAt, assurance, model: modelId, ...jobLinks(job) });
