import { createHash } from 'node:crypto';
import { JobsError } from './jobs-error.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { Caller } from '../accounts/caller.ts';
import type { ListedJob } from '../evidence/job-archive.ts';
import type { Answer } from '../intake/answer.ts';
import type { AskRequest } from '../intake/ask-request.ts';

/** A repeated request is known for so long, as is usual for such keys. */
export const SUBMISSION_KEPT_MS = 24 * 3_600_000;
/** What was asked for with a key and is not there yet: it is being taken. */
const IN_PROGRESS_RETRY_MS = 1_000;
export const MAX_LISTED_JOBS = 100;

/** What an account asked for with a key of its own. */
export interface Submission {
  readonly job: JobId;
  /** SHA-256 of the request, lower-case hex. */
  readonly hash: string;
}

/** Port: requests by the key that their client gave them. */
export interface Submissions {
  /** Keeps a submission unless the account has one of this key since `since` (epoch milliseconds); gives the one that is kept. */
  keep(account: string, key: string, submission: Submission & { readonly at: number }, since: number): Promise<Submission>;
  /** Puts another job in the place of one that was never taken; false when that one is not there any more. */
  replace(account: string, key: string, from: JobId, to: JobId): Promise<boolean>;
  /** Forgets one that was not taken. */
  drop(account: string, key: string): Promise<void>;
}

export interface JobDeskDependencies {
  readonly submissions: Submissions;
  readonly intake: { ask(request: AskRequest, caller: Caller, job: JobId): Promise<Answer>; answer(job: string, account: string): Answer | undefined };
  readonly archive: { find(job: string): Promise<{ readonly account: string } | undefined>; list(account: string, before: { readonly createdAt: number; readonly job: string } | undefined, limit: number): Promise<readonly ListedJob[]> };
  readonly newJob: () => JobId;
  /** Whether another coordinator that is alive made a job's id. */
  readonly isMadeElsewhere: (job: JobId) => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Takes jobs that nobody waits for, each once for its key, and lists them (SPEC I20 to I22). */
export class JobDesk {
  readonly #deps: JobDeskDependencies;
  /** Being taken here. */
  readonly #taking = new Set<string>();

  constructor(deps: JobDeskDependencies) {
    this.#deps = deps;
  }

  /** Gives the job's id once it is taken: held and kept, so that it outlives this process. Throws as `Intake.ask`, `idempotency_conflict`, `idempotency_in_progress`. */
  async submit(request: AskRequest, caller: Caller, key: string | undefined): Promise<JobId> {
    const { intake, newJob } = this.#deps;
    const own = newJob();
    if (key === undefined) return (await intake.ask(request, caller, own)).job;
    const hash = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    // Before it is kept: who sends the same meanwhile has to know that it is being taken.
    this.#taking.add(own);
    try {
      return await this.#submitOnce(request, caller, { key, own, hash });
    } finally {
      this.#taking.delete(own);
    }
  }

  /** Jobs that the account asked for, the newest first; what does one again or goes on with it is part of it. */
  list(account: string, before: { readonly createdAt: number; readonly job: string } | undefined, limit: number): Promise<readonly ListedJob[]> {
    return this.#deps.archive.list(account, before, limit);
  }

  async #submitOnce(request: AskRequest, caller: Caller, { key, own, hash }: { readonly key: string; readonly own: JobId; readonly hash: string }): Promise<JobId> {
    const { submissions, intake, isMadeElsewhere, now } = this.#deps;
    const at = now();
    const { job, hash: before } = await submissions.keep(caller.account, key, { job: own, hash, at }, at - SUBMISSION_KEPT_MS);
    if (before !== hash) throw new JobsError('idempotency_conflict', 'this Idempotency-Key was sent with another request within the last 24 hours; send each request with a key of its own', { fault: 'user', fields: { param: 'Idempotency-Key' } });
    if (job !== own) {
      // Asked first: what is not being taken any more is taken, or was given up.
      const isTakenHere = this.#taking.has(job);
      if (!isTakenHere && (await this.#isTaken(job, caller.account))) return job;
      // Who was taking it may be gone: then one of those who try again takes it, under an id of its own.
      const isBeingTaken = isTakenHere || isMadeElsewhere(job) || !(await submissions.replace(caller.account, key, job, own));
      if (isBeingTaken) throw new JobsError('idempotency_in_progress', 'the same request is just being taken; ask again in a second', { fault: 'user', fields: { param: 'Idempotency-Key', retryAfterMs: IN_PROGRESS_RETRY_MS } });
    }
    try {
      return (await intake.ask(request, caller, own)).job;
    } catch (error) {
      // Not taken: the client may mend it, or have more credits, and try again with the same key.
      await submissions.drop(caller.account, key);
      throw error;
    }
  }

  async #isTaken(job: JobId, account: string): Promise<boolean> {
    const { intake, archive } = this.#deps;
    return intake.answer(job, account) !== undefined || (await archive.find(job))?.account === account;
  }
}
