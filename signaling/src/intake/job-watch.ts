import { tooLate } from './requester-nonces.ts';
import type { JobId } from '@ciro/core/ids.ts';
import type { ArchivedJob, JobArchive, JobFailure } from '../evidence/job-archive.ts';
import type { Assurance } from './chat-request.ts';
import type { JobFeeds, JobStatusEvent } from './job-feed.ts';
import type { StageOutcome } from './ports.ts';
import type { RequesterNonces } from './requester-nonces.ts';

type RecordedJob = Extract<ArchivedJob, { state: 'recorded' }>;
type StageState = StageOutcome | 'pending';

/** What is being done about a job. `verifying`: it is answered, and its audits are not all decided. `settled`: nothing more is booked. */
export type JobPhase = 'queued' | 'running' | 'moving' | 'verifying' | 'settled' | 'cancelled' | 'failed';

/** Where a job stands, in short. */
export interface JobStatus {
  readonly job: JobId;
  readonly state: ArchivedJob['state'];
  readonly phase: JobPhase;
  /** Jobs that go first, while it waits. */
  readonly ahead: number | null;
  /** Tokens of a recorded job. */
  readonly usage: { readonly prompt: number; readonly completion: number } | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly assurance: Assurance;
  /** One a stage of a recorded job, in stage order. */
  readonly stages: readonly StageState[];
  readonly corrects: JobId | null;
  readonly correctedBy: JobId | null;
  readonly continues: JobId | null;
  readonly continuedBy: JobId | null;
  readonly failure: JobFailure | null;
}

export interface JobWatchDependencies {
  readonly archive: Pick<JobArchive, 'find' | 'correctionOf' | 'continuationOf'>;
  readonly feeds: JobFeeds;
  readonly nonces: RequesterNonces;
  /** What is decided of each stage of a recorded job. */
  readonly stagesOf: (job: JobId, account: string) => Promise<readonly StageState[]>;
}

/** What an account may see and do about its jobs beside the answer. A job of another account is as one that never was. */
export class JobWatch {
  readonly #dependencies: JobWatchDependencies;

  constructor(dependencies: JobWatchDependencies) {
    this.#dependencies = dependencies;
  }

  async status(job: string, account: string): Promise<JobStatus | undefined> {
    const { archive, feeds, stagesOf } = this.#dependencies;
    const found = await this.#find(job, account);
    if (found === undefined) return undefined;
    const last = feeds.last(job);
    const { state, createdAt, assurance, corrects, continues } = found;
    const stages = state === 'recorded' ? await stagesOf(found.job, account) : [];
    const failure = state === 'failed' ? found.failure : null;
    const [correctedBy = null, continuedBy = null] = await Promise.all([archive.correctionOf(job), archive.continuationOf(job)]);
    const usage = found.state === 'recorded' ? { prompt: found.record.promptIds.length, completion: found.record.tokenIds.length } : null;
    return { job: found.job, state, phase: phaseOf(found, last), ahead: last?.type === 'queued' ? last.ahead : null, usage, createdAt, assurance, stages, corrects, correctedBy, continues, continuedBy, failure };
  }

  /** Whether a recorded answer must not be shown yet: it is `checked`, and not every stage is decided. */
  async isHeldBack(job: string, account: string): Promise<boolean> {
    const found = await this.#find(job, account);
    return found?.state === 'recorded' && found.assurance === 'checked' && !found.decided;
  }

  /** Everything that happened to the job and, while it is under way, what happens next; undefined when the account has no such job. */
  async events(job: string, account: string, signal: AbortSignal): Promise<AsyncIterable<JobStatusEvent> | undefined> {
    const { feeds } = this.#dependencies;
    const found = await this.#find(job, account);
    if (found === undefined) return undefined;
    return feeds.has(job) ? feeds.follow(job, signal) : this.#replay(found, account);
  }

  /** Opens the requester's nonce for the job's audit draw; undefined when the account has no such job, true else. Throws as RequesterNonces. */
  async openNonce(job: string, account: string, nonce: string): Promise<true | undefined> {
    const { nonces } = this.#dependencies;
    const found = await this.#find(job, account);
    if (found === undefined) return undefined;
    if (!nonces.knows(job, account)) throw tooLate(job);
    nonces.open(found.job, nonce);
    return true;
  }

  async #find(job: string, account: string): Promise<ArchivedJob | undefined> {
    const found = await this.#dependencies.archive.find(job);
    return found?.account === account ? found : undefined;
  }

  /** The events of a job that is over, made from what is on record. */
  async *#replay(job: ArchivedJob, account: string): AsyncGenerator<JobStatusEvent> {
    if (job.state === 'failed') yield { type: 'failed', ...job.failure };
    if (job.state !== 'recorded') return;
    const after = await this.#after(job);
    const [next] = after;
    if (job.record.finish === 'moved' && next?.continues === job.job) {
      yield { type: 'moved', job: next.job, from_position: next.record.promptIds.length - 1, code: 'worker_lost', message: `a stage of job ${job.job} was lost; job ${next.job} goes on` };
    } else yield { type: 'finished', finish_reason: job.record.finish };
    yield { type: 'recorded', roots: job.record.stages.map(({ root }) => root?.root ?? null) };
    const stages = await this.#dependencies.stagesOf(job.job, account);
    for (const [stage, status] of stages.entries()) if (status !== 'pending') yield { type: 'audited', stage, status };
    const last = after.at(-1) ?? job;
    const [first] = after.filter(({ corrects }) => corrects !== null);
    const end = last === job ? stages : await this.#dependencies.stagesOf(last.job, account);
    const bad = end.some((status) => status === 'failed' || (status === 'unpaid' && job.assurance === 'checked'));
    if (first !== undefined && !(bad && job.assurance === 'checked')) {
      yield { type: 'corrected', job: last.job, from_position: first.record.promptIds.length - 1, text: last.text };
    }
    if (bad) yield { type: 'uncorrected', code: 'answer_unverified', message: `the answer of job ${job.job} is wrong and was not done again; it was paid back` };
    if (last.decided) yield { type: 'settled' };
  }

  /** Jobs that did the answer again or went on with it, one after the other: each names the one before it, so there is an end. */
  async #after(job: RecordedJob): Promise<RecordedJob[]> {
    const { archive } = this.#dependencies;
    const chain: RecordedJob[] = [];
    for (let at: string = job.job; ; ) {
      // What went on from a wrong answer is done again with it.
      const next = (await archive.correctionOf(at)) ?? (await archive.continuationOf(at));
      const found = next === undefined ? undefined : await archive.find(next);
      if (found?.state !== 'recorded') return chain;
      chain.push(found);
      at = found.job;
    }
  }
}

function phaseOf(job: ArchivedJob, last: JobStatusEvent | undefined): JobPhase {
  if (job.state === 'failed') return job.failure.code === 'cancelled' ? 'cancelled' : 'failed';
  if (job.state === 'recorded') return job.decided ? 'settled' : 'verifying';
  if (last?.type === 'queued') return 'queued';
  return last?.type === 'moved' ? 'moving' : last?.type === 'finished' ? 'verifying' : 'running';
}
