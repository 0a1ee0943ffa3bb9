import * as v from 'valibot';
import { kindOf } from './job-kinds.ts';
import { JobsError } from './jobs-error.ts';
import type { AskRequest } from '../intake/ask-request.ts';

/** A job may be given so long: what waits longer is not waited for any more. */
export const MAX_DEADLINE_MS = 24 * 3_600_000;
/** Characters of an `Idempotency-Key`: a UUID and some. */
const MAX_IDEMPOTENCY_KEY = 255;

/** Body of `POST /v1/jobs`. */
export const JobBody = v.strictObject({
  kind: v.pipe(v.string('expected the name of a kind, e.g. "chat"'), v.maxLength(64)),
  input: v.pipe(v.looseObject({}, 'expected an object'), v.description('Of kind chat: a body of POST /v1/chat/completions without stream')),
  assurance: v.optional(v.pipe(v.picklist(['stream', 'checked'], 'expected stream or checked'), v.description('Redundancy: `checked` holds the answer back until every stage of it was computed twice'))),
  deadline: v.optional(v.pipe(v.string('expected a time as ISO 8601, e.g. "2027-01-31T00:00:00Z"'), v.isoTimestamp('expected a time as ISO 8601, e.g. "2027-01-31T00:00:00Z"'), v.description('Called off then: what is drawn by then is the answer, and before the first token nothing is charged'))),
});

/** What a body asks for. */
export interface JobRequest {
  readonly request: AskRequest;
  /** Epoch milliseconds; undefined without one. */
  readonly deadline: number | undefined;
}

/** Reads a body; throws JobsError `bad_job` with `param`, `task_not_available`, or IntakeError for the input. `now`: epoch milliseconds. */
export function parseJobRequest(body: unknown, now: number): JobRequest {
  const parsed = v.safeParse(JobBody, body, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const param = v.getDotPath(issue) ?? null;
    throw refuse(param, param === null ? 'the body is no object; send {"kind":"chat","input":{…}}' : issue.type === 'strict_object' && issue.expected === 'never' ? `${param} is no field of a job; there are ${Object.keys(JobBody.entries).join(', ')}` : `${param}: ${issue.message}`);
  }
  const { kind, input, assurance, deadline: text } = parsed.output;
  const deadline = text === undefined ? undefined : Date.parse(text);
  if (deadline !== undefined && (deadline <= now || deadline > now + MAX_DEADLINE_MS)) throw refuse('deadline', `deadline is ${text}; give a time within the next ${MAX_DEADLINE_MS / 3_600_000} hours`);
  return { request: kindOf(kind).parse(input, { assurance, deadline }), deadline };
}

/** Reads the header `Idempotency-Key`; throws `bad_job`. */
export function idempotencyKeyOf(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && header.length <= MAX_IDEMPOTENCY_KEY && /^[\x21-\x7e]+$/.test(header)) return header;
  throw refuse('Idempotency-Key', `the header Idempotency-Key is to be 1 to ${MAX_IDEMPOTENCY_KEY} visible ASCII characters, e.g. a UUID`);
}

const refuse = (param: string | null, message: string): JobsError => new JobsError('bad_job', message, { fault: 'user', fields: { param } });
